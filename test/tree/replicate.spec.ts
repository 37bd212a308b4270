import assert from 'node:assert/strict'
import { CID } from 'multiformats/cid'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { RepositorySet, tryParsePattern } from '../../src/oci/repository-pattern.ts'
import { openDisk } from '../support/disk.ts'
import { collect, indexOf, randomImage, store } from '../support/random-image.ts'
import { Replica } from '../support/replica.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { RegistryReader } from '../../src/registry/ports.ts'
import type { Disk } from '../support/disk.ts'
import type { RandomManifest } from '../support/random-image.ts'

const APP = parseName('app')

async function push(disk: Disk, image: RandomManifest, tag: string, name = APP): Promise<void> {
  await store({ writer: disk.lane, content: disk.contents }, name, image, parseTag(tag))
}

/** Everything of an image is there. */
async function hasAll(reader: RegistryReader, image: RandomManifest, tag: string, name = APP) {
  assert.equal(await reader.resolveTag(name, parseTag(tag)), image.digest)
  const manifest = await reader.manifest(name, image.digest)
  assert.deepEqual(await collect(manifest!.open()), Uint8Array.from(image.bytes))
  for (const { digest, bytes } of image.blobs) {
    const blob = await reader.blob(name, digest)
    assert.deepEqual(await collect(blob!.open()), Uint8Array.from(bytes))
  }
}

/** An origin with nothing in it, and a replica of it. */
async function setUp() {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await temporaryDirectory())
  const origin = stack.use(await openDisk(dir.path))
  const replica = stack.use(await Replica.of(origin))
  const opened = stack.move()
  return { origin, replica, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

const only = (...patterns: string[]): RepositorySet =>
  new RepositorySet(patterns.map((text) => tryParsePattern(text) ?? assert.fail(text)))

describe('replicating a tree', () => {
  it('brings everything: then all of it is read without the source', async () => {
    await using both = await setUp()
    const { origin, replica } = both
    const images = [randomImage({ layers: [3_300_000, 5] }), randomImage(), randomImage()]
    for (const [n, image] of images.entries()) await push(origin, image, `v${n}`)
    const index = indexOf(images)
    await push(origin, index, 'index', parseName('deep/er/app'))
    const signature = randomImage({ subject: images[0]! })
    await push(origin, signature, 'sig')
    const { root } = origin.lane
    await replica.replicate(root)
    replica.cutOff()
    const reader = replica.reader(root)
    for (const [n, image] of images.entries()) await hasAll(reader, image, `v${n}`)
    await hasAll(reader, index, 'index', parseName('deep/er/app'))
    assert.deepEqual(await reader.referrers(APP, images[0]!.digest), [signature.digest])
    assert.deepEqual(await reader.repositories(), ['app', 'deep/er/app'])
  })

  it('counts blobs and bytes, and ends with what it had foreseen', async () => {
    await using both = await setUp()
    const { origin, replica } = both
    const image = randomImage({ layers: [3_300_000, 5] })
    await push(origin, image, 'v1')
    await replica.replicate(origin.lane.root)
    const bytes = [image, ...image.blobs].reduce((sum, each) => sum + each.bytes.length, 0)
    assert.deepEqual(replica.progress, {
      blobsDone: 4,
      blobsTotal: 4,
      bytesDone: bytes,
      bytesTotal: bytes,
    })
  })

  it('makes claims trusted that hashing has proven, and every block passable to peers', async () => {
    await using both = await setUp()
    const { origin, replica } = both
    const image = randomImage({ layers: [2_100_000] })
    await push(origin, image, 'v1')
    await replica.replicate(origin.lane.root)
    const reader = replica.reader(origin.lane.root)
    const layer = await reader.blob(APP, image.blobs[1]!.digest)
    assert.equal(layer?.proven, false)
    assert.equal(await replica.trust.isProven(layer), true)
    for (const cid of new Set(replica.fetched))
      assert.equal(await replica.disk.blocks.isLinked(CID.parse(cid)), true, cid)
  })

  it('passes on what was here for another reason only when the mirror has proven to have it', async () => {
    await using both = await setUp()
    const { origin, replica } = both
    const image = randomImage()
    await push(origin, image, 'v1')
    const { id } = await replica.disk.contents.write(image.blobs[1]!.bytes, image.blobs[1]!.digest)
    assert.equal(await replica.disk.blocks.isLinked(CID.parse(id)), false)
    await replica.replicate(origin.lane.root)
    assert.equal(await replica.disk.blocks.isLinked(CID.parse(id)), true)
    assert.ok(replica.fetched.includes(id))
  })

  it('fetches only what differs from the tree that was complete before', async () => {
    await using both = await setUp()
    const { origin, replica } = both
    for (let n = 0; n < 30; n++) await push(origin, randomImage(), `v${n}`, parseName(`r${n}`))
    const before = origin.lane.root
    await replica.replicate(before)
    const first = replica.fetched.length
    assert.ok(first > 400, String(first))
    const image = randomImage({ layers: [1_500_000] })
    await push(origin, image, 'new', parseName('r7'))
    replica.fetched.length = 0
    await replica.replicate(origin.lane.root, { before })
    assert.equal(replica.progress.blobsTotal, 3)
    assert.ok(replica.fetched.length < 60, `${replica.fetched.length} blocks`)
    replica.cutOff()
    await hasAll(replica.reader(origin.lane.root), image, 'new', parseName('r7'))

    replica.fetched.length = 0
    await replica.replicate(origin.lane.root, { before: origin.lane.root })
    assert.deepEqual(replica.progress.blobsTotal, 0)
  })

  it('goes on where it stopped when it is ended in the middle', async () => {
    await using both = await setUp()
    const { origin, replica } = both
    const image = randomImage({ layers: [9_000_000, 2_000_000] })
    await push(origin, image, 'v1')
    const { root } = origin.lane
    const stop = new AbortController()
    replica.before = () => {
      if (replica.fetched.length === 35) stop.abort(new Error('stopped'))
      return Promise.resolve()
    }
    await assert.rejects(replica.replicate(root, { signal: stop.signal }), { message: 'stopped' })
    const half = new Set(replica.fetched)
    assert.ok(half.size > 20 && half.size < 50, `${half.size} blocks`)
    replica.fetched.length = 0
    replica.before = () => Promise.resolve()
    await replica.replicate(root)
    assert.deepEqual(
      replica.fetched.filter((cid) => half.has(cid)),
      [],
    )
    replica.cutOff()
    await hasAll(replica.reader(root), image, 'v1')
  })

  it('brings only the repositories that are wanted, and the blobs they link', async () => {
    await using both = await setUp()
    const { origin, replica } = both
    const [wanted, other, shared] = [randomImage(), randomImage(), randomImage()]
    await push(origin, wanted, 'v1', parseName('team/app'))
    await push(origin, shared, 'v1', parseName('team/app/x'))
    await push(origin, shared, 'v1', parseName('else'))
    await push(origin, other, 'v1', parseName('else'))
    replica.repositories = only('team/**')
    const { root } = origin.lane
    await replica.replicate(root)
    assert.deepEqual(
      [replica.progress.blobsDone, replica.progress.blobsTotal],
      [8, 8], // two images of config, two layers and manifest
    )
    replica.cutOff()
    const reader = replica.reader(root)
    await hasAll(reader, wanted, 'v1', parseName('team/app'))
    await hasAll(reader, shared, 'v1', parseName('team/app/x'))
    const within = (parts: readonly string[]) => replica.repositories.mayHold(parts)
    assert.deepEqual(await reader.repositories({ within }), ['team/app', 'team/app/x'])
    await assert.rejects(reader.blob(parseName('else'), other.blobs[0]!.digest), {
      name: 'MissingBlockError',
    })

    const more = randomImage()
    await push(origin, more, 'v2', parseName('team/app'))
    await push(origin, randomImage(), 'v2', parseName('else'))
    replica.fetch = (await Replica.of(origin)).fetch
    await replica.replicate(origin.lane.root, { before: root })
    assert.equal(replica.progress.blobsTotal, 4)
    replica.cutOff()
    await hasAll(replica.reader(origin.lane.root), more, 'v2', parseName('team/app'))
  })

  it('has leaves come in another order each time', async () => {
    await using both = await setUp()
    const { origin, replica } = both
    await push(origin, randomImage({ layers: [24_000_000] }), 'v1')
    await using second = await Replica.of(origin)
    for (const each of [replica, second]) await each.replicate(origin.lane.root)
    assert.deepEqual(new Set(replica.fetched), new Set(second.fetched))
    assert.notDeepEqual(replica.fetched, second.fetched)
  })

  it('has no more than 16 blocks on their way at once', async () => {
    await using both = await setUp()
    const { origin, replica } = both
    for (let n = 0; n < 20; n++)
      await push(origin, randomImage({ layers: [2_500_000, 7] }), `v${n}`, parseName(`r${n}`))
    const { fetch } = replica
    let [flying, most] = [0, 0]
    replica.fetch = async (cid, options) => {
      most = Math.max(most, ++flying)
      await new Promise((resolve) => void setImmediate(resolve))
      flying--
      return fetch(cid, options)
    }
    await replica.replicate(origin.lane.root)
    assert.ok(most > 8 && most <= 16, String(most))
  })
})
