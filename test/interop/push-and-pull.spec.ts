import assert from 'node:assert/strict'
import { PUSH_MODES } from '../support/client.ts'
import { indexOf, randomImage } from '../support/random-image.ts'
import { TestNode, eventually, twoNodes } from '../support/two-nodes.ts'
import type { RandomManifest } from '../support/random-image.ts'

/** Sizes on both sides of a chunk (1 MiB) and of a small block (16 KiB), and nothing at all. */
const LAYERS = [0, 1, 16 * 1024 + 1, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1, 3_500_000]

describe('push to one node, pull from another by its key alone', () => {
  it('gives every byte and every digest back, by tag and by digest', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const image = randomImage({ layers: LAYERS })
    await a.client.pushImage('library/hello', image, { tag: 'latest' })
    await b.follows(a)
    await b.client.pullsExactly('library/hello', 'latest', image)
    await b.client.pullsExactly('library/hello', image.digest, image)
    const { headers } = await b.client.expect(200, 'GET', '/v2/library/hello/manifests/latest')
    assert.equal(headers.get('content-type'), image.mediaType)
  })

  it('gives them back whichever way they were pushed', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const images: RandomManifest[] = []
    for (const mode of PUSH_MODES) {
      const image = randomImage({ layers: [1_300_000, 5] })
      await a.client.pushImage(`by/${mode}`, image, { tag: 'v1', mode })
      images.push(image)
    }
    await b.follows(a)
    for (const [index, mode] of PUSH_MODES.entries())
      await b.client.pullsExactly(`by/${mode}`, 'v1', images[index]!)
  })

  it('gives an index with its images', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const images = [randomImage(), randomImage()]
    for (const image of images) await a.client.pushImage('multi', image)
    const index = indexOf(images)
    await a.client.pushImage('multi', index, { tag: 'all' })
    await b.follows(a)
    await b.client.pullsExactly('multi', 'all', index)
    for (const image of images) await b.client.pullsExactly('multi', image.digest, image)
  })

  it('moves a tag that moved, and loses one that was deleted', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const [first, second] = [randomImage(), randomImage()]
    await a.client.pushImage('app', first, { tag: 'latest' })
    await a.client.pushImage('app', first, { tag: 'old' })
    await b.follows(a)
    await b.client.pullsExactly('app', 'latest', first)

    await a.client.pushImage('app', second, { tag: 'latest' })
    await b.follows(a)
    await b.client.pullsExactly('app', 'latest', second)
    await b.client.pullsExactly('app', 'old', first)

    await a.client.expect(202, 'DELETE', '/v2/app/manifests/old')
    await b.follows(a)
    assert.equal(await b.client.digestOf('app', 'old'), undefined)
    assert.deepEqual(await b.client.tags('app'), ['latest'])
    await b.client.pullsExactly('app', first.digest, first)

    await a.client.expect(202, 'DELETE', `/v2/app/manifests/${first.digest}`)
    await b.follows(a)
    const gone = await b.client.call('GET', `/v2/app/manifests/${first.digest}`)
    assert.deepEqual([gone.status, gone.code()], [404, 'MANIFEST_UNKNOWN'])
  })

  it('follows in steps that are one commit each: a tag never points to what is not there', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const images = Array.from({ length: 12 }, () => randomImage({ layers: [20_000] }))
    const byDigest = new Map(images.map((image) => [image.digest as string, image]))
    const seen = new Set<string>()
    let done = false
    const watch = (async () => {
      while (!done) {
        const digest = await b.client.digestOf('moving', 'latest')
        if (digest === undefined) continue
        seen.add(digest)
        await b.client.pullsExactly('moving', digest, byDigest.get(digest)!)
      }
    })()
    for (const image of images) await a.client.pushImage('moving', image, { tag: 'latest' })
    await b.follows(a)
    await b.client.pullsExactly('moving', 'latest', images.at(-1)!)
    await eventually(() => seen.has(images.at(-1)!.digest), 'the last image on the watcher')
    done = true
    await watch
  })
})

describe('a mirror that comes late, or comes back', () => {
  it('finds what was published before it was there', async () => {
    await using a = await TestNode.start()
    const images = [randomImage(), randomImage(), randomImage()]
    for (const [index, image] of images.entries())
      await a.client.pushImage('before', image, { tag: `v${index}` })
    await using b = await TestNode.start({ mirrors: [a] })
    await b.follows(a)
    for (const [index, image] of images.entries())
      await b.client.pullsExactly('before', `v${index}`, image)
  })

  it('serves what it read before when it is restarted without its source', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const [read, unread] = [randomImage({ layers: [2_200_000] }), randomImage()]
    await a.client.pushImage('app', read, { tag: 'read' })
    await a.client.pushImage('app', unread, { tag: 'unread' })
    await b.follows(a)
    await b.client.pullsExactly('app', 'read', read)
    await a.stop()
    await b.restart()
    await b.client.pullsExactly('app', 'read', read)
    const [mirror] = (await b.status()).mirrors
    assert.equal(mirror?.name, a.name)
    assert.notEqual(mirror?.root, null)
    // A mirror that is away is passed over: a push to b must find that b does not have this blob, and send it.
    const { status } = await b.client.call('HEAD', `/v2/app/blobs/${unread.blobs[0]!.digest}`)
    assert.equal(status, 404)
    await b.client.pushImage('app', unread, { tag: 'unread' })
    await b.client.pullsExactly('app', 'unread', unread)
  })

  it('passes on what it read to a third node that only knows the key and the mirror', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const image = randomImage({ layers: [1_500_000] })
    await a.client.pushImage('app', image, { tag: 'v1' })
    await b.follows(a)
    await b.client.pullsExactly('app', 'v1', image)
    const { storage } = await a.status()
    await a.stop()
    await using c = await TestNode.start({ mirrors: [a.name], peers: [b] })
    await c.until(({ mirrors }) => mirrors[0]?.root === storage.root, 'the root, from the mirror')
    await c.client.pullsExactly('app', 'v1', image)
  })
})
