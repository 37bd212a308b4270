import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { LEASE, openWorld } from '../faults/gc-world.ts'
import { SeededRandom } from '../faults/random.ts'
import { randomImage, streamOf } from '../support/random-image.ts'
import { eventually } from '../support/two-nodes.ts'
import { byDigest, pushBlobs, tagged } from '../support/registry-setup.ts'
import type { CID } from 'multiformats/cid'
import type { RandomManifest } from '../support/random-image.ts'
import type { Announcer } from '../../src/daemon/announcer.ts'
import type { GcReport } from '../../src/daemon/gc-report.ts'
import type { GcWorld } from '../faults/gc-world.ts'

const app = parseName('team/app')
const v1 = parseTag('v1')

const world = (): Promise<GcWorld> => openWorld(new SeededRandom(1))

async function push({ service }: GcWorld, image: RandomManifest, tag = v1): Promise<void> {
  await pushBlobs(service, image.blobs, app)
  await service.putManifest(app, tagged(tag), image.bytes, image.mediaType)
}

function collect({ collector }: GcWorld, dryRun = false): Promise<GcReport> {
  return collector.collect({ dryRun })
}

async function largeFiles({ data }: GcWorld): Promise<string[]> {
  const files = await readdir(join(data, 'data', 'blocks'), { recursive: true })
  return files.filter((path) => /[0-9a-f]{64}$/.test(path))
}

const SAID = { pending: false, conflict: undefined }

describe('the collector', () => {
  it('brings the bytes of a deleted image back once its leases are over, and says how many', async () => {
    await using gc = await world()
    const image = randomImage({ layers: [50_000] })
    await push(gc, image)
    await gc.service.deleteManifest(app, byDigest(image.digest))
    const early = await collect(gc)
    assert.deepEqual([early.blobs, early.leased], [0, 2], 'the 201 of its blobs granted a lease')
    const { sequence = 0 } = (await gc.storage.journal.newest()).entry ?? {}
    const oldest = (await gc.storage.journal.oldest()) ?? 0
    assert.equal(early.keptCommits, sequence - oldest + 1)
    assert.equal((await largeFiles(gc)).length, 1)
    gc.pass(LEASE)
    const tried = await collect(gc, true)
    assert.deepEqual([tried.blobs, tried.contents], [2, 2])
    assert.equal((await largeFiles(gc)).length, 1, 'a dry run deletes nothing')
    const { blobs, contents, bytes, leased } = await collect(gc)
    assert.deepEqual([blobs, contents, leased], [2, 2, 0])
    assert.ok(bytes > 50_000, `${bytes}`)
    assert.deepEqual(await largeFiles(gc), [])
    assert.equal((await collect(gc)).blocks, 0)
  })

  it('leaves an upload session alone, and brings the bytes of one that was given up back', async () => {
    await using gc = await world()
    const { uploads } = gc.service
    const { id } = await uploads.create(app)
    const bytes = randomBytes(1_100_000)
    await uploads.append(app, id, { source: streamOf(bytes) })
    gc.pass(5 * LEASE)
    await collect(gc)
    assert.equal((await largeFiles(gc)).length, 1)
    await uploads.cancel(app, id)
    await collect(gc)
    assert.deepEqual(await largeFiles(gc), [])
  })

  it('brings the bytes of an upload back that was cancelled while it was written to', async () => {
    await using gc = await world()
    const { uploads } = gc.service
    const { id } = await uploads.create(app)
    const isSilent = Promise.withResolvers<void>()
    const source = async function* () {
      yield randomBytes(2_100_000)
      isSilent.resolve()
      await Promise.withResolvers<never>().promise
    }
    const writing = assert.rejects(uploads.append(app, id, { source: source() }), {
      code: 'BLOB_UPLOAD_UNKNOWN',
    })
    await isSilent.promise
    await eventually(async () => (await largeFiles(gc)).length === 2, 'both leaves are stored')
    await uploads.cancel(app, id)
    assert.deepEqual(await readdir(join(gc.data, 'data', 'uploads')), [])
    await writing
    gc.pass(5 * LEASE)
    await collect(gc)
    assert.deepEqual(await largeFiles(gc), [])
  })

  it('deletes nothing at all when something that is to stay is missing or damaged (I3)', async () => {
    await using gc = await world()
    const layers = Array.from({ length: 3 }, () => 2_200_000)
    await push(gc, randomImage({ layers }))
    const dead = randomImage({ layers: [60_000] })
    await push(gc, dead, parseTag('dead'))
    await gc.service.deleteManifest(app, byDigest(dead.digest))
    gc.pass(LEASE)
    const { state } = gc.storage
    // A tree node of the newest root, which no tidying up draws anew.
    const { public: root } = (await gc.storage.journal.newest()).entry ?? assert.fail('no commit')
    let node = root
    for (const name of ['docker', 'registry', 'v2', 'repositories', ...app.split('/')])
      node = (await gc.storage.directories.lookup(node, name))?.cid ?? assert.fail(name)
    node = (await gc.storage.directories.lookup(node, '_manifests'))?.cid ?? assert.fail()
    const key = Buffer.concat([Buffer.from('b/'), node.multihash.digest])
    const bytes = (await state.get(key)) ?? assert.fail('no root')
    for (const value of [undefined, Buffer.from('damaged')]) {
      gc.storage.cache.clear()
      await state.write([{ key, value }])
      const before = await largeFiles(gc)
      await assert.rejects(collect(gc), /no block was deleted/)
      assert.deepEqual(await largeFiles(gc), before)
      assert.match(gc.collector.status().error ?? '', /no block was deleted/)
    }
    await state.write([{ key, value: bytes }])
    assert.ok((await collect(gc)).blocks > 0)
    assert.equal(gc.collector.status().error, undefined)
  })

  it('deletes nothing at all while it is not known which states of the registry are read from', async () => {
    await using gc = await world()
    const image = randomImage({ layers: [50_000] })
    await push(gc, image)
    await gc.service.deleteManifest(app, byDigest(image.digest))
    gc.pass(LEASE)
    const { used } = gc.storage
    const list = used.list.bind(used)
    used.list = () => assert.fail('more states than are remembered')
    await assert.rejects(collect(gc), /no block was deleted.*more states than are remembered/)
    assert.equal((await largeFiles(gc)).length, 1)
    used.list = list
    await collect(gc)
    assert.deepEqual(await largeFiles(gc), [])
  })

  it('leaves what was announced last to those who follow the name, and everything while that is not known', async () => {
    let announced: () => Promise<CID[]> = async () => []
    const publisher = { announced: () => announced(), status: () => SAID }
    await using gc = await openWorld(new SeededRandom(1), { publisher })
    await push(gc, randomImage({ layers: [50_000] }))
    const { lane } = gc.storage
    const { root } = lane
    await lane.transact(async (tx) => void (await tx.removeRepository(app)))
    gc.pass(2 * LEASE)
    announced = () => Promise.reject(new Error('the disk does not answer'))
    await assert.rejects(collect(gc), /no block was deleted.*the disk does not answer/)
    announced = async () => [root]
    await collect(gc)
    assert.equal((await largeFiles(gc)).length, 1)
    announced = async () => []
    await collect(gc)
    assert.deepEqual(await largeFiles(gc), [])
  })

  it('waits until what it took out of the tree is no longer announced, if that can be', async () => {
    let looks = 0
    let status: Announcer['status'] = () => ({ ...SAID, pending: ++looks < 3 })
    const roots: CID[] = []
    const announced = () => Promise.resolve(looks < 3 ? roots : [])
    const publisher = { announced, status: () => status() }
    await using gc = await openWorld(new SeededRandom(1), { publisher })
    await push(gc, randomImage({ layers: [50_000] }))
    roots.push(gc.storage.lane.root)
    await gc.storage.lane.transact(async (tx) => void (await tx.removeRepository(app)))
    gc.pass(2 * LEASE)
    await collect(gc)
    assert.deepEqual(await largeFiles(gc), [])
    status = () => ({ pending: true, conflict: 'another writer' }) // it will not be told
    await collect(gc)
    assert.equal(looks, 3)
  })

  it('does not wonder about files that are not its own', async () => {
    await using gc = await world()
    const path = join(gc.data, 'data', 'blocks', '00', 'notes')
    await writeFile(path, 'mine')
    await collect(gc)
    await rm(path)
  })

  it('says that a commit is no longer kept, and reads those that are', async () => {
    await using gc = await world()
    await push(gc, randomImage(), parseTag('old'))
    const { history, lane } = gc.storage
    const old = lane.root.toString()
    await push(gc, randomImage())
    gc.pass(2 * LEASE)
    assert.ok((await collect(gc)).commits > 0)
    assert.equal(
      await history.snapshot(lane.root.toString()).then((reader) => reader?.source),
      `own at ${lane.root}`,
    )
    await assert.rejects(history.snapshot(old), /does not keep/)
    await assert.rejects(history.roots(old), /no longer kept/)
    await assert.rejects(history.roots('1'), /no longer kept/)
    await assert.rejects(history.roots('999'), /no root that this registry had/)
    await assert.rejects(gc.service.listTags(parseName(`at/${old}/${app}`), {}), /does not keep/)
  })

  it('leaves the tree alone after a start that followed no orderly stop', async () => {
    await using gc = await world()
    const image = randomImage()
    await push(gc, image)
    await gc.service.deleteManifest(app, byDigest(image.digest))
    gc.pass(LEASE)
    const { leases } = gc
    Object.defineProperty(leases, 'allFor', { value: 5000 })
    const report = await collect(gc)
    assert.deepEqual([report.blobs, report.leasedFor], [0, 5])
  })
})
