import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { indexOf, randomImage } from '../support/random-image.ts'
import { TestNode, twoNodes } from '../support/two-nodes.ts'

/** A node that reads the other, loses it for good, and stands alone. */
async function alone(a: TestNode, b: TestNode): Promise<void> {
  await a.stop()
  await b.restart({ mirrors: [], peers: [] })
}

describe('a push to a mirror of what only its source has', () => {
  it('adopts the blobs of a manifest: when the source is gone and forgotten, all is served', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const image = randomImage({ layers: [2_500_000, 40_000, 7] })
    for (const blob of image.blobs) await a.client.pushBlob('app', blob.bytes)
    await a.client.putManifest('app', 'v1', image)
    await b.follows(a)
    const before = (await b.status()).storage.root
    await b.client.putManifest('app', 'mine', image)
    assert.notEqual((await b.status()).storage.root, before)
    await alone(a, b)
    await b.client.pullsExactly('app', 'mine', image)
    assert.deepEqual(await b.client.tags('app'), ['mine'])
  })

  it('adopts only what the manifest names, and only in its repository', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const [wanted, other] = [randomImage(), randomImage()]
    await a.client.pushImage('app', wanted, { tag: 'wanted' })
    await a.client.pushImage('app', other, { tag: 'other' })
    await b.follows(a)
    const elsewhere = await b.client.call('PUT', '/v2/elsewhere/manifests/x', {
      headers: { 'Content-Type': wanted.mediaType },
      body: wanted.bytes,
    })
    assert.deepEqual([elsewhere.status, elsewhere.code()], [400, 'MANIFEST_BLOB_UNKNOWN'])
    await b.client.putManifest('app', 'mine', wanted)
    await alone(a, b)
    await b.client.pullsExactly('app', 'mine', wanted)
    assert.equal(await b.client.digestOf('app', 'other'), undefined)
    for (const blob of other.blobs) {
      const { status } = await b.client.call('HEAD', `/v2/app/blobs/${blob.digest}`)
      assert.equal(status, 404)
    }
    assert.deepEqual(await b.client.catalog(), ['app'])
  })

  it('adopts the images of an index with their blobs', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const images = [randomImage({ layers: [1_100_000] }), randomImage()]
    for (const image of images) await a.client.pushImage('app', image)
    await b.follows(a)
    const index = indexOf(images)
    await b.client.putManifest('app', 'all', index)
    await alone(a, b)
    await b.client.pullsExactly('app', 'all', index)
    for (const image of images) await b.client.pullsExactly('app', image.digest, image)
  })

  it('mounts what only the source has, in another repository', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const bytes = Buffer.from('a layer of somebody else')
    const digest = await a.client.pushBlob('theirs', bytes)
    await b.follows(a)
    const mount = await b.client.call('POST', `/v2/ours/blobs/uploads/?mount=${digest}&from=theirs`)
    // Linked at once, or the client is asked to upload: both are what the distribution-spec has.
    assert.ok([201, 202].includes(mount.status))
    if (mount.status === 202)
      await b.client.finish(mount.headers.get('location') ?? '', digest, bytes)
    await alone(a, b)
    assert.equal(digestOf(await b.client.blob('ours', digest)), digest)
  })

  it('is in the own tree, which others mirror by its own key', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const image = randomImage({ layers: [1_200_000] })
    await a.client.pushImage('app', image, { tag: 'v1' })
    await b.follows(a)
    await b.client.putManifest('app', 'mine', image)
    await a.stop()
    assert.notEqual(b.name, a.name)
    await using c = await TestNode.start({ mirrors: [b] })
    await c.follows(b)
    await c.client.pullsExactly('app', 'mine', image)
    assert.equal(await c.client.digestOf('app', 'v1'), undefined)
  })

  it('answers 400 when a blob cannot be had any more, and the client can push it itself', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const image = randomImage({ layers: [1_200_000] })
    await a.client.pushImage('app', image, { tag: 'v1' })
    await b.follows(a)
    await a.stop()
    const put = await b.client.call('PUT', '/v2/app/manifests/mine', {
      headers: { 'Content-Type': image.mediaType },
      body: image.bytes,
    })
    assert.deepEqual([put.status, put.code()], [400, 'MANIFEST_BLOB_UNKNOWN'])
    for (const blob of image.blobs) {
      const { status } = await b.client.call('HEAD', `/v2/app/blobs/${blob.digest}`)
      assert.equal(status, 404)
    }
    await b.client.pushImage('app', image, { tag: 'mine' })
    await b.client.pullsExactly('app', 'mine', image)
  })
})
