import assert from 'node:assert/strict'
import { RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { parseName } from '../../src/oci/name.ts'
import { layout } from '../../src/tree/layout.ts'
import { drawBlob, drawManifest, liarWith, withhold } from '../support/liar.ts'
import { randomImage } from '../support/random-image.ts'
import { TestNode } from '../support/two-nodes.ts'
import { EVERYTHING, NOTHING, Stranger } from './stranger.ts'
import type { Disk } from '../support/disk.ts'
import type { RandomManifest } from '../support/random-image.ts'

/*
 * A mirror that says that it has what it has not: the content of a repository of ours that is not published, of which it
 * knows or guesses the digests. Whatever we make of it must be the same as for content that is nowhere at all.
 */

const env = {
  REGISTRY_REPOSITORIES: JSON.stringify([{ match: ['secret/**'], publish: false }]),
}

async function draw(disk: Disk, name: string, image: RandomManifest): Promise<void> {
  const repository = parseName(name)
  for (const { digest, bytes } of image.blobs) await drawBlob(disk, repository, digest, bytes)
  await drawManifest(disk, repository, 'v1', image)
}

async function drawUnheld(disk: Disk, name: string, image: RandomManifest): Promise<void> {
  await draw(disk, name, image)
  for (const { bytes } of [image, ...image.blobs]) await withhold(disk, bytes)
}

/** The directory of a repository, whose CID follows from what is in it alone, is named by the tree and not given. */
async function withholdDirectory(disk: Disk, name: string): Promise<void> {
  let at = disk.lane.root
  for (const step of layout.repository(parseName(name)))
    at = (await disk.directories.lookup(at, step))?.cid ?? assert.fail(step)
  await withhold(disk, (await disk.blocks.get(at)) ?? assert.fail(`${at}`))
}

/** What a client gets of a repository, in every way there is, without what names the content. */
async function answers(node: TestNode, name: string, image: RandomManifest): Promise<string[]> {
  const [, layer] = image.blobs
  const { client } = node
  const calls = [
    client.call('GET', `/v2/${name}/blobs/${layer?.digest}`),
    client.call('HEAD', `/v2/${name}/blobs/${layer?.digest}`),
    client.call('GET', `/v2/${name}/blobs/${layer?.digest}`, { headers: { Range: 'bytes=0-9' } }),
    client.call('GET', `/v2/${name}/manifests/v1`),
    client.call('HEAD', `/v2/${name}/manifests/${image.digest}`),
    client.call('GET', `/v2/${name}/referrers/${image.digest}`),
    client.call('GET', `/v2/${name}/tags/list`),
    client.call('POST', `/v2/team/x/blobs/uploads/?mount=${layer?.digest}&from=${name}`),
    client.call('PUT', '/v2/team/x/manifests/v1', {
      headers: { 'Content-Type': image.mediaType },
      body: image.bytes,
    }),
  ]
  const told = (await Promise.all(calls)).map(({ status, headers, body }) => {
    const length = status === 200 || status === 206 ? headers.get('content-length') : ''
    const isText = headers.get('content-type')?.includes('json') ?? false
    return `${status} ${length} ${isText ? body.toString() : ''}`
  })
  const digests = /sha256:[0-9a-f]{64}/g
  return told.map((text) => text.replaceAll(digests, '<digest>').replaceAll(name, '<name>'))
}

function cidsOf(image: RandomManifest): ReturnType<typeof cidFromHash>[] {
  return [image, ...image.blobs].map(({ bytes }) => cidFromHash(RAW, sha256(bytes)))
}

for (const replicate of ['lazy', 'full'] as const) {
  describe(`a ${replicate} mirror whose tree names what is not published here, and that does not have it`, () => {
    const stack = new AsyncDisposableStack()
    const [secret, nowhere] = [randomImage(), randomImage()]
    const shape = randomImage({ layers: [20_000] })
    let node: TestNode

    before(async () => {
      const liar = stack.use(
        await liarWith(async (disk) => {
          await drawUnheld(disk, 'm/secret', secret)
          await drawUnheld(disk, 'm/absent', nowhere)
          await draw(disk, 'm/shape', shape)
          await withholdDirectory(disk, 'm/shape')
        }),
      )
      node = stack.use(await TestNode.start({ env }))
      for (const image of [secret, shape]) {
        const name = image === secret ? 'secret/app' : 'secret/shape'
        await node.client.pushImage(name, image, { tag: 'v1' })
        await node.client.pullsExactly(name, 'v1', image)
      }
      await node.restart({ mirrors: [{ key: liar, replicate }] })
      await node.client.pullsExactly('secret/shape', 'v1', shape) // its nodes are in memory
      await node.follows(liar)
    })
    after(() => stack.disposeAsync())

    it('gets clients, whatever they ask of its repositories, what they get of content that is nowhere', async () => {
      const [told, expected] = await Promise.all([
        answers(node, 'm/secret', secret),
        answers(node, 'm/absent', nowhere),
      ])
      assert.deepEqual(told, expected)
      assert.deepEqual([...new Set(told.map((text) => text.slice(0, 3)))].sort(), [
        '200', // the tags are its own
        '202',
        '400',
        '404',
      ])
    })

    it('gets no list out of a directory that both have', async () => {
      const { status } = await node.client.call('GET', '/v2/m/shape/tags/list')
      assert.equal(status, 404)
      await node.client.pullsExactly('secret/shape', 'v1', shape)
    })

    it('makes nothing of it public', async () => {
      await using stranger = await Stranger.meet(node.address)
      for (const cid of cidsOf(secret)) assert.deepEqual(await stranger.hear(cid), NOTHING)
      await node.client.pullsExactly('secret/app', 'v1', secret)
    })
  })
}

describe('a mirror that has what is not published here too', () => {
  it('is asked for it, and has made it public', async () => {
    const image = randomImage()
    await using source = await TestNode.start()
    await source.client.pushImage('team/app', image, { tag: 'v1' })
    await using node = await TestNode.start({ env, mirrors: [source] })
    await node.client.pushImage('secret/app', image, { tag: 'v1' })
    await node.follows(source)
    await using stranger = await Stranger.meet(node.address)
    for (const cid of cidsOf(image)) assert.deepEqual(await stranger.hear(cid), NOTHING)
    await node.client.pullsExactly('team/app', 'v1', image)
    for (const cid of cidsOf(image)) assert.deepEqual(await stranger.hear(cid), EVERYTHING)
  })
})

describe('a mirror that has a repository of the name of one that is not published', () => {
  it('is not asked about it, unless its entry says that it is for that', async () => {
    const [mine, theirs, other] = [randomImage(), randomImage(), randomImage()]
    await using source = await TestNode.start()
    await source.client.pushImage('secret/app', theirs, { tag: 'theirs' })
    await source.client.pushImage('secret/other', other, { tag: 'v1' })
    await source.client.pushImage('team/app', other, { tag: 'v1' })
    await using node = await TestNode.start({ env, mirrors: [source] })
    await node.client.pushImage('secret/app', mine, { tag: 'mine' })
    await node.follows(source)
    assert.equal(await node.client.digestOf('team/app', 'v1'), other.digest)
    assert.deepEqual(await node.client.tags('secret/app'), ['mine'])
    assert.deepEqual(await node.client.catalog(), ['secret/app', 'team/app'])
    assert.equal(await node.client.digestOf('secret/app', 'theirs'), undefined)
    const blob = `/v2/secret/app/blobs/${theirs.blobs[1]?.digest}`
    assert.equal((await node.client.call('HEAD', blob)).status, 404)
    await node.restart({ mirrors: [{ key: source, repositories: ['secret/app', 'team/**'] }] })
    await node.follows(source)
    assert.deepEqual(await node.client.tags('secret/app'), ['mine', 'theirs'])
    assert.deepEqual(await node.client.catalog(), ['secret/app', 'team/app'])
    await node.client.pullsExactly('secret/app', 'theirs', theirs)
  })
})

describe('a full mirror that has what the rules take back', () => {
  it('is complete again when it gave that anew, and then does without its source', async () => {
    const image = randomImage()
    await using source = await TestNode.start()
    await source.client.pushImage('team/app', image, { tag: 'v1' })
    await using node = await TestNode.start()
    await node.client.pushImage('secret/app', image, { tag: 'v1' }) // published, as yet
    await node.restart({ mirrors: [{ key: source, replicate: 'full' }] })
    await node.copies(source)
    await node.restart({ env })
    await node.copies(source)
    await source.stop()
    await node.client.pullsExactly('team/app', 'v1', image)
    await using stranger = await Stranger.meet(node.address)
    for (const cid of cidsOf(image)) assert.deepEqual(await stranger.hear(cid), EVERYTHING)
  })
})
