import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StateDb } from '../../src/blocks/state-db.ts'
import { smallDisk } from './small-disk.ts'

const MIB = 1024 * 1024

function key(text: string): Uint8Array {
  return Buffer.from(text)
}

describe('F04: the state database on a full disk', () => {
  it('keeps, through a crash, what it acknowledged after a write that found no room', async function () {
    await using disk = await smallDisk(40 * MIB)
    if (disk === undefined) return this.skip()
    const ballast = join(disk.path, 'ballast')
    await writeFile(ballast, randomBytes(37 * MIB))
    const directory = join(disk.path, 'state')
    const state = await StateDb.open(directory)
    try {
      const fill = async (): Promise<void> => {
        for (let n = 0; ; n++)
          await state.write([{ key: key(`k${n}`), value: randomBytes(12_000) }])
      }
      await assert.rejects(fill())
      await rm(ballast)
      const acknowledged: string[] = []
      for (let n = 0; n < 5; n++) {
        try {
          await state.write([{ key: key(`after${n}`), value: randomBytes(500) }])
          acknowledged.push(`after${n}`)
        } catch {
          // It may need a moment, or another try, to be fit for writing again; what it takes then counts.
        }
      }
      // What a crash leaves is what is on the disk now.
      const crashed = join(disk.path, 'crashed')
      await cp(directory, crashed, { recursive: true, filter: (path) => !path.endsWith('LOCK') })
      const again = await StateDb.open(crashed)
      const lost: string[] = []
      for (const name of acknowledged)
        if ((await again.get(key(name))) === undefined) lost.push(name)
      await again.close()
      assert.deepEqual(lost, [])
      assert.ok(acknowledged.length > 0, 'it takes nothing though there is room again')
    } finally {
      await state.close()
    }
  })
})
