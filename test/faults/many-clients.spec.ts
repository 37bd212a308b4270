import assert from 'node:assert/strict'
import { PUSH_MODES } from '../support/client.ts'
import { indexOf, randomImage } from '../support/random-image.ts'
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

  it('change a tag once when all do it on the same condition (RFC 9110 13.1.1)', async () => {
    await using node = await TestNode.start()
    const path = '/v2/crowd/manifests/list'
    /** All push something of their own, and one of them is heard. */
    const race = async (round: string, condition: Record<string, string>): Promise<string> => {
      const lists = Array.from({ length: CLIENTS }, (_, n) =>
        indexOf([], { annotations: { round, n: `${n}` } }),
      )
      const statuses = await Promise.all(
        lists.map(async ({ bytes, mediaType }) => {
          const headers = { 'content-type': mediaType, ...condition }
          return (await node.client.call('PUT', path, { headers, body: bytes })).status
        }),
      )
      const refused = Array.from({ length: CLIENTS - 1 }, () => 412)
      assert.deepEqual(
        statuses.toSorted((a, b) => a - b),
        [201, ...refused],
      )
      const winner = lists[statuses.indexOf(201)]?.digest
      assert.equal(await node.client.digestOf('crowd', 'list'), winner)
      return `"${winner}"`
    }
    const etag = await race('first', { 'if-none-match': '*' })
    await node.restart()
    await race('second', { 'if-match': etag })
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
