import assert from 'node:assert/strict'
import { RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { openStorage } from '../../src/daemon/storage.ts'
import { dataDirectory } from '../../src/daemon/data-directory.ts'
import { newBlocks } from '../../src/tree/reach.ts'
import { randomImage } from '../support/random-image.ts'
import { TestNode } from '../support/two-nodes.ts'
import { EVERYTHING, NOTHING, Stranger } from './stranger.ts'
import type { CID } from 'multiformats/cid'
import type { RandomManifest } from '../support/random-image.ts'

const RULES = JSON.stringify([{ match: ['secret/**'], publish: false }])
const env = { REGISTRY_REPOSITORIES: RULES, REGISTRY_RETENTION_LEASE: '1s' }

/** The CIDs of an image's bytes: all of them are one raw block here. */
function cidsOf(image: RandomManifest): CID[] {
  return [image, ...image.blobs].map(({ bytes }) => cidFromHash(RAW, sha256(bytes)))
}

/** Every block of both trees, read from the disk of a node that is stopped. */
async function treesOf(node: TestNode): Promise<{ open: Set<string>; hidden: CID[] }> {
  await using storage = await openStorage(dataDirectory(node.data), () => Promise.resolve())
  const read = (cid: CID): Promise<Uint8Array> => storage.directories.source.get(cid)
  const { public: published, private: hidden } = storage.lane.roots
  const open = new Set<string>()
  for await (const cid of newBlocks(read, published, undefined)) open.add(keyOf(cid))
  assert.ok(hidden !== undefined, 'nothing is hidden')
  const secret = await Array.fromAsync(newBlocks(read, hidden, undefined))
  return { open, hidden: secret.filter((cid) => !open.has(keyOf(cid))) }
}

function keyOf(cid: CID): string {
  return Buffer.from(cid.multihash.digest).toString('hex')
}

async function isSilentAbout(node: TestNode, cids: readonly CID[]): Promise<void> {
  await using stranger = await Stranger.meet(node.address)
  for (const cid of cids) assert.deepEqual(await stranger.hear(cid), NOTHING, cid.toString())
}

async function givesAll(node: TestNode, cids: readonly CID[]): Promise<void> {
  await using stranger = await Stranger.meet(node.address)
  for (const cid of cids) assert.deepEqual(await stranger.hear(cid), EVERYTHING, cid.toString())
}

describe('what is not published', () => {
  it('is given to no stranger in any way, while clients pull it, also after a restart', async () => {
    await using node = await TestNode.start({ env })
    const [secret, open] = [randomImage({ layers: [40_000, 10] }), randomImage()]
    await node.client.pushImage('secret/app', secret, { tag: 'v1' })
    await node.client.pushImage('team/app', open, { tag: 'v1' })
    await isSilentAbout(node, cidsOf(secret))
    await givesAll(node, cidsOf(open))
    await node.client.pullsExactly('secret/app', 'v1', secret)
    await node.stop()
    const { hidden } = await treesOf(node)
    assert.ok(hidden.length > 20, 'nodes and links of the hidden tree')
    await node.restart()
    await isSilentAbout(node, hidden)
    await node.client.pullsExactly('secret/app', 'v1', secret)
  })

  it('makes no registry publish an empty tree, which would take everything away from its mirrors', async () => {
    await using node = await TestNode.start({ env })
    await node.client.pushImage('secret/app', randomImage(), { tag: 'v1' })
    assert.equal((await node.status()).ipns?.publishedRoot, null)
    await node.stop()
    await node.restart()
    assert.equal((await node.status()).ipns?.publishedRoot, null)
    await node.client.pushImage('team/app', randomImage(), { tag: 'v1' })
    await node.until(({ ipns }) => ipns?.publishedRoot !== null, 'what is public is published')
  })

  it('is not given out while it is uploaded', async () => {
    await using node = await TestNode.start({ env })
    const { client } = node
    const [layer] = randomImage({ layers: [2_100_000] }).blobs.slice(1)
    assert.ok(layer !== undefined)
    const cid = cidFromHash(RAW, sha256(layer.bytes.subarray(0, 1024 * 1024))) // its first leaf
    const upload = await client.startUpload('team/app')
    const next = await client.patch(upload, layer.bytes)
    await isSilentAbout(node, [cid])
    await client.finish(next, layer.digest)
    await givesAll(node, [cid])
  })

  it('becomes public by a mount that names where it is from, and by no other', async () => {
    await using node = await TestNode.start({ env })
    const { client } = node
    const image = randomImage()
    await client.pushImage('secret/app', image, { tag: 'v1' })
    const [, layer] = image.blobs
    assert.ok(layer !== undefined)
    const mount = `/v2/team/app/blobs/uploads/?mount=${layer.digest}`
    assert.equal((await client.call('POST', mount)).status, 202)
    await isSilentAbout(node, cidsOf(image))
    await client.expect(201, 'POST', `${mount}&from=secret/app`)
    await givesAll(node, [cidFromHash(RAW, sha256(layer.bytes))])
    await client.expect(200, 'HEAD', `/v2/team/app/blobs/${layer.digest}`)
  })

  it('is no longer given out when the configuration takes it back, and is again when it gives it', async () => {
    await using node = await TestNode.start({ env: { ...env, REGISTRY_REPOSITORIES: '[]' } })
    const [secret, shared] = [randomImage(), randomImage()]
    await node.client.pushImage('secret/app', secret, { tag: 'v1' })
    await node.client.pushImage('secret/app', shared, { tag: 'shared' })
    await node.client.pushImage('team/app', shared, { tag: 'v1' })
    await givesAll(node, cidsOf(secret))
    await node.restart({ env })
    await isSilentAbout(node, cidsOf(secret))
    await givesAll(node, cidsOf(shared))
    await node.client.pullsExactly('secret/app', 'v1', secret)
    const { ipns } = await node.status()
    assert.equal(
      (ipns as unknown as { unpublishedRepositories: number }).unpublishedRepositories,
      1,
    )
    await node.restart({ env: { ...env, REGISTRY_REPOSITORIES: '[]' } })
    await givesAll(node, cidsOf(secret))
    await node.client.pullsExactly('secret/app', 'v1', secret)
  })
})
