import assert from 'node:assert/strict'
import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { offlineCheck } from '../support/offline-check.ts'
import { randomImage } from '../support/random-image.ts'
import { TestNode } from '../support/two-nodes.ts'

describe('heliport fsck --repair on a state database that cannot be opened', () => {
  const headless: [string, (state: string) => Promise<void>][] = [
    [
      'whose MANIFEST rots',
      (state) => changeFile(state, /^MANIFEST-/, (bytes) => bytes.fill(7, 8, 12)),
    ],
    ['whose CURRENT is cut', (state) => changeFile(state, /^CURRENT$/, () => Buffer.alloc(0))],
    ['whose CURRENT is gone', (state) => rm(join(state, 'CURRENT'))],
  ]
  for (const [what, damage] of headless) {
    it(`rebuilds one ${what}, and keeps it as it was`, async () => {
      await using node = await TestNode.start()
      const image = randomImage({ layers: [20_000] })
      await node.client.pushImage('team/app', image, { tag: 'v1' })
      await node.stop()
      await damage(join(node.data, 'state'))
      await assert.rejects(offlineCheck(node.data), /damaged and cannot be opened .*fsck --repair/)
      const { damaged, mended, findings } = await offlineCheck(node.data, { repair: true })
      assert.deepEqual([damaged, mended], [0, 1])
      assert.match(findings[0]?.message ?? '', /was rebuilt/)
      const kept = (await readdir(node.data)).filter((name) => name.startsWith('state.damaged-'))
      assert.equal(kept.length, 1)
      assert.equal((await offlineCheck(node.data)).damaged, 0)
    })
  }

  const unreadable: [string, (bytes: Buffer) => Buffer][] = [
    ['has another end', (bytes) => bytes.fill(0, bytes.length - 8)],
    ['is empty', () => Buffer.alloc(0)],
    ['is cut', (bytes) => bytes.subarray(0, bytes.length / 2)],
  ]
  for (const [what, change] of unreadable)
    it(`rebuilds one that can be opened and not be read, because a table ${what}`, async () => {
      await using node = await TestNode.start()
      await node.client.pushImage('team/app', randomImage(), { tag: 'v1' })
      await node.restart() // the log becomes a table
      await node.stop()
      const state = join(node.data, 'state')
      await changeFile(state, /\.ldb$/, change)
      await assert.rejects(offlineCheck(node.data), {
        name: 'DamagedDatabaseError',
        message: /is damaged .*fsck --repair/,
      })
      const { findings } = await offlineCheck(node.data, { repair: true })
      assert.ok(findings.some(({ message }) => /was rebuilt/.test(message)))
    })
})

async function changeFile(
  state: string,
  pattern: RegExp,
  change: (bytes: Buffer) => Buffer,
): Promise<void> {
  const name = (await readdir(state)).find((each) => pattern.test(each)) ?? assert.fail()
  await writeFile(join(state, name), change(await readFile(join(state, name))))
}
