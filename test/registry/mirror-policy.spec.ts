import assert from 'node:assert/strict'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { RepositorySet, tryParsePattern } from '../../src/oci/repository-pattern.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { randomImage, store } from '../support/random-image.ts'
import {
  APP,
  byDigest,
  createRegistry,
  never,
  pushBlobs,
  tagged,
  twisted,
} from '../support/registry-setup.ts'
import type { MirrorSource } from '../../src/registry/mirror.ts'
import type { RandomManifest } from '../support/random-image.ts'

const OTHER = parseName('other/app')

const fill = (registry: MemoryRegistry, image: RandomManifest, tag: string, name = APP) =>
  store({ writer: registry, content: registry.content }, name, image, parseTag(tag))

/** A mirror about which something was decided. */
function mirror(
  registry: MemoryRegistry,
  policy: Partial<MirrorSource>,
  staleSince?: () => number | undefined,
): MirrorSource {
  return {
    name: registry.name,
    reader: () => registry.reader(),
    ...(staleSince === undefined ? {} : { staleSince }),
    ...policy,
  }
}

const only = (...patterns: string[]): RepositorySet =>
  new RepositorySet(patterns.map((text) => tryParsePattern(text) ?? assert.fail(text)))

describe('a mirror of which only some repositories are allowed', () => {
  const image = randomImage()
  const signature = randomImage({ subject: image })

  async function setUp() {
    const m = new MemoryRegistry('m')
    for (const name of [APP, OTHER]) {
      await fill(m, image, 'v1', name)
      await fill(m, signature, 'sig', name)
    }
    return createRegistry({ mirrors: [mirror(m, { repositories: only('team/*') })] })
  }

  it('has those and nothing of the others: tags, manifests, blobs, referrers, the catalog', async () => {
    const { service } = await setUp()
    const unknown = (code: string) => ({ code })
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, image.digest)
    assert.deepEqual((await service.listRepositories({})).names, [APP])
    assert.deepEqual((await service.listTags(APP, {})).names, ['sig', 'v1'])
    assert.equal((await service.listReferrers(APP, image.digest)).manifests.length, 1)
    assert.equal((await service.getBlob(APP, image.blobs[0]!.digest)).size, image.blobs[0]!.size)

    for (const reference of [tagged('v1'), byDigest(image.digest)])
      await assert.rejects(service.getManifest(OTHER, reference), unknown('MANIFEST_UNKNOWN'))
    await assert.rejects(service.getBlob(OTHER, image.blobs[0]!.digest), unknown('BLOB_UNKNOWN'))
    await assert.rejects(service.listTags(OTHER, {}), unknown('NAME_UNKNOWN'))
    assert.deepEqual((await service.listReferrers(OTHER, image.digest)).manifests, [])
  })

  it('gives nothing to be adopted from the others, nor to be deleted there', async () => {
    const { service, tombstones } = await setUp()
    const put = (name = APP) =>
      service.putManifest(name, tagged('mine'), image.bytes, image.mediaType)
    await put()
    await assert.rejects(put(OTHER), { code: 'MANIFEST_BLOB_UNKNOWN' })
    await assert.rejects(service.deleteManifest(OTHER, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
    assert.deepEqual(tombstones.list(), [])
  })

  it('fills the pages of the catalog, however many others lie between', async () => {
    const m = new MemoryRegistry('m')
    const names = Array.from({ length: 40 }, (_, n) => `${n % 10 === 0 ? 'team' : 'x'}/r${n + 10}`)
    for (const name of names) await fill(m, image, 'v1', parseName(name))
    const { service } = await createRegistry({
      mirrors: [mirror(m, { repositories: only('team/*') })],
    })
    const first = await service.listRepositories({ limit: 3 })
    assert.deepEqual(first.names, ['team/r10', 'team/r20', 'team/r30'])
    assert.equal(first.more, true)
    const rest = await service.listRepositories({ limit: 3, after: 'team/r30' })
    assert.deepEqual([rest.names, rest.more], [['team/r40'], false])
  })
})

describe('a mirror that has been stale for longer than it may be', () => {
  const image = randomImage()
  const signature = randomImage({ subject: image })

  async function setUp(maxStale: number | undefined) {
    const m = new MemoryRegistry('m')
    await fill(m, image, 'v1')
    await fill(m, signature, 'sig')
    const state: { since: number | undefined } = { since: undefined }
    const registry = await createRegistry({ mirrors: [mirror(m, { maxStale }, () => state.since)] })
    return { ...registry, state }
  }

  it('keeps its tags and listings to itself, and says so, while its content is served by digest', async () => {
    const { service, clock, state } = await setUp(60_000)
    const since = clock.now()
    state.since = since
    clock.advance(60_000)
    assert.deepEqual((await service.getManifest(APP, tagged('v1'))).notices, [
      { mirror: 'm', kind: 'stale', since },
    ])
    clock.advance(1)
    const outdated = [{ mirror: 'm', kind: 'outdated', since }]
    await assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
    await assert.rejects(service.listTags(APP, {}), { code: 'NAME_UNKNOWN' })
    assert.deepEqual(await service.listRepositories({}), {
      names: [],
      more: false,
      notices: outdated,
    })
    assert.deepEqual(await service.listReferrers(APP, image.digest), {
      manifests: [],
      more: false,
      notices: outdated,
    })
    const byItsDigest = await service.getManifest(APP, byDigest(image.digest))
    assert.deepEqual([byItsDigest.digest, byItsDigest.notices], [image.digest, []])
    for (const blob of image.blobs)
      assert.equal((await service.getBlob(APP, blob.digest)).size, blob.size)

    state.since = undefined
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, image.digest)
    assert.deepEqual((await service.listTags(APP, {})).notices, [])
  })

  it('does not take the place of the next mirror, nor of our own tree', async () => {
    const [m, n] = [new MemoryRegistry('m'), new MemoryRegistry('n')]
    const newer = randomImage()
    await fill(m, image, 'v1')
    await fill(n, newer, 'v1')
    const { service } = await createRegistry({
      mirrors: [mirror(m, { maxStale: 1 }, () => 1), n],
    })
    const answer = await service.getManifest(APP, tagged('v1'))
    assert.equal(answer.digest, newer.digest)
    assert.deepEqual(answer.notices, [{ mirror: 'm', kind: 'outdated', since: 1 }])
  })

  it('is heard for ever when nothing was decided', async () => {
    const { service, state } = await setUp(undefined)
    state.since = 1
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, image.digest)
  })

  it('still gives layers to a push', async () => {
    const { service, clock, state } = await setUp(1000)
    state.since = clock.now() - 5000
    await pushBlobs(service, [image.blobs[0]!])
    await service.putManifest(APP, tagged('mine'), image.bytes, image.mediaType)
    assert.equal((await service.getManifest(APP, tagged('mine'))).digest, image.digest)
  })
})

describe('the deadline of a mirror', () => {
  it('is its own: a hasty one is passed over while a patient one may still answer', async () => {
    const image = randomImage()
    const [m, n] = [new MemoryRegistry('m'), new MemoryRegistry('n')]
    await fill(n, image, 'v1')
    const stuck = twisted(m, { before: (_, signal) => never(signal) })
    const { service, errors } = await createRegistry({
      mirrors: [
        { name: 'm', reader: () => stuck.reader(), deadline: 20 },
        { name: 'n', reader: () => n.reader(), deadline: 60_000 },
      ],
      // Without a deadline of its own the first one would never be given up.
      overlay: { deadline: 2 ** 30 },
    })
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, image.digest)
    assert.match(String(errors[0]?.error), /mirror m did not answer within 20 ms/)
  })

  it('is also the longest that it is waited for in haste', async () => {
    const m = new MemoryRegistry('m')
    const stuck = twisted(m, { before: (_, signal) => never(signal) })
    const { service } = await createRegistry({
      mirrors: [{ name: 'm', reader: () => stuck.reader(), deadline: 10 }],
      overlay: { haste: 2 ** 30 },
    })
    for (let n = 0; n < 3; n++)
      await assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
  })
})
