import assert from 'node:assert/strict'
import { PUSH_MODES } from '../support/client.ts'
import { randomImage } from '../support/random-image.ts'
import { TestNode } from '../support/two-nodes.ts'

const CLIENTS = 32
const REPOSITORIES = 16

describe('F12: 32 clients at once (I2)', () => {
  it('lose nothing when they push the same tag, the same blob and sibling tags', async () => {
    await using node = await TestNode.start()
    const { client } = node
    const shared = randomImage({ layers: [1_300_000] })
    const images = Array.from({ length: CLIENTS }, () => randomImage({ layers: [1000] }))
    const acknowledged: string[] = []
    await Promise.all(
      images.map(async (image, n) => {
        const mode = PUSH_MODES[n % PUSH_MODES.length]!
        await client.pushImage('crowd', shared, { tag: 'shared', mode })
        await client.pushImage('crowd', image, { tag: `own-${n}`, mode })
        await client.putManifest('crowd', 'contested', image)
        acknowledged.push(image.digest)
      }),
    )
    const check = async (): Promise<void> => {
      const siblings = images.map((_, n) => `own-${n}`)
      assert.deepEqual(await client.tags('crowd'), [...siblings, 'contested', 'shared'].toSorted())
      for (const [n, image] of images.entries())
        await node.client.pullsExactly('crowd', `own-${n}`, image)
      await node.client.pullsExactly('crowd', 'shared', shared)
      const contested = (await node.client.digestOf('crowd', 'contested')) ?? ''
      assert.ok(acknowledged.includes(contested))
    }
    await check()
    await node.restart()
    await check()
  })

  it('lose nothing when they push into repositories of their own, and delete in others', async () => {
    await using node = await TestNode.start()
    const { client } = node
    const doomed = randomImage()
    const kept = randomImage()
    for (let n = 0; n < REPOSITORIES; n++)
      await client.pushImage(`r/${n}`, doomed, { tag: 'doomed' })
    await Promise.all(
      Array.from({ length: REPOSITORIES }, async (_, n) => {
        const other = (n + 1) % REPOSITORIES
        await Promise.all([
          client.pushImage(`r/${n}`, kept, { tag: 'kept' }),
          client.expect(202, 'DELETE', `/v2/r/${other}/manifests/${doomed.digest}`),
        ])
      }),
    )
    for (let n = 0; n < REPOSITORIES; n++) {
      assert.deepEqual(await client.tags(`r/${n}`), ['kept'])
      await client.pullsExactly(`r/${n}`, 'kept', kept)
      assert.equal((await client.call('HEAD', `/v2/r/${n}/manifests/${doomed.digest}`)).status, 404)
    }
  })
})
