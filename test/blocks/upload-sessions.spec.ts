import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseName } from '../../src/oci/name.ts'
import { openDisk } from '../support/disk.ts'
import { streamOf } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { StoredSession } from '../../src/blocks/upload-store.ts'
import type { Disk } from '../support/disk.ts'

const newInfo = () => ({
  id: randomUUID(),
  name: parseName('app'),
  startedAt: 1000,
  algorithm: 'sha256' as const,
})

const sessionsOf = ({ uploads }: Disk): Promise<StoredSession[]> =>
  Array.fromAsync(uploads.sessions())

describe('the upload sessions on disk, for whoever checks them', () => {
  it('are none of them damaged because they end meanwhile', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(dir.path)
    let left = 300
    const comeAndGo = async (): Promise<void> => {
      for (; left > 0; left--) await (await disk.uploads.create(newInfo())).discard()
    }
    const check = async (): Promise<void> => {
      while (left > 0)
        for (const { id, isUsable } of await sessionsOf(disk)) assert.ok(isUsable, id)
    }
    await Promise.all([...Array.from({ length: 8 }, comeAndGo), check(), check()])
  })

  it('say when their last bytes came', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(dir.path)
    const upload = await disk.uploads.create(newInfo())
    const path = join(dir.path, 'uploads', upload.id)
    await utimes(path, 1, 2)
    const changed = async () => (await disk.uploads.list()).map(({ changedAt }) => changedAt)
    assert.deepEqual(await changed(), [2000])
    await upload.append(streamOf('x'))
    assert.ok((await changed())[0]! > 2000)
  })

  it('are of no use when their log is torn at its beginning, or another’s', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(dir.path)
    const { id } = await disk.uploads.create(newInfo())
    const [whole] = await sessionsOf(disk)
    assert.deepEqual([whole?.id, whole?.isUsable], [id, true])
    const other = randomUUID()
    await writeFile(join(dir.path, 'uploads', other), 'H')
    const found = await sessionsOf(disk)
    assert.deepEqual(
      new Map(found.map((session) => [session.id, session.isUsable])),
      new Map([
        [id, true],
        [other, false],
      ]),
    )
  })
})
