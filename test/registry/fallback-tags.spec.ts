import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { MANIFEST_MAX_BYTES, REFERENCES_MAX } from '../../src/oci/manifest.ts'
import { DOCKER_MANIFEST_LIST, OCI_IMAGE_INDEX } from '../../src/oci/media-type.ts'
import { parseTag } from '../../src/oci/name.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import {
  descriptorOf,
  indexOf,
  jsonPiece,
  piece,
  randomImage,
  store,
} from '../support/random-image.ts'
import { put } from '../support/manifest-push.ts'
import {
  APP,
  byDigest,
  createRegistry,
  pushBlobs,
  tagged,
  twisted,
} from '../support/registry-setup.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { Descriptor } from '../../src/oci/manifest.ts'
import type { Piece, RandomManifest } from '../support/random-image.ts'

const tagOf = (subject: Digest) => subject.replace(':', '-').slice(0, 'sha512-'.length + 64)

const fill = (registry: MemoryRegistry, manifest: RandomManifest, tag?: string) =>
  store(
    { writer: registry, content: registry.content },
    APP,
    manifest,
    tag === undefined ? undefined : parseTag(tag),
  )

/** As a stock registry holds a referrer: a manifest like any other. */
const fillPlain = (registry: MemoryRegistry, manifest: RandomManifest) =>
  fill(registry, { ...manifest, subject: undefined })

/** Anything, put under a tag as if it were a manifest. */
const under = (registry: MemoryRegistry, thing: Piece, subject: Digest) =>
  fill(registry, { ...thing, blobs: [], subject: undefined }, tagOf(subject))

const index = (manifests: unknown, mediaType = OCI_IMAGE_INDEX): Piece =>
  jsonPiece({ schemaVersion: 2, mediaType, manifests: manifests as object }, mediaType)

describe('fallback tags', () => {
  const setup = async () => {
    const mirror = new MemoryRegistry('m')
    const registry = await createRegistry({ mirrors: [mirror] })
    const subject = randomImage()
    const list = async (which = subject.digest) =>
      (await registry.service.listReferrers(APP, which)).manifests.map(({ digest }) => digest)
    return { ...registry, mirror, subject, list }
  }

  it('of our own tree are heard too, and the manifest describes itself', async () => {
    const { service, own, subject, list } = await setup()
    const referrer = randomImage({
      subject,
      extra: { artifactType: 'text/sbom', annotations: { a: 'b' } },
    })
    await fillPlain(own, referrer)
    const lie = { ...descriptorOf(referrer), artifactType: 'text/lie', annotations: { a: 'lie' } }
    await under(own, index([lie]), subject.digest)
    assert.deepEqual(await list(), [referrer.digest])
    const sboms = await service.listReferrers(APP, subject.digest, { artifactType: 'text/sbom' })
    assert.deepEqual(sboms.manifests, [
      { ...descriptorOf(referrer), artifactType: 'text/sbom', annotations: { a: 'b' } },
    ])
    const lies = await service.listReferrers(APP, subject.digest, { artifactType: 'text/lie' })
    assert.deepEqual(lies.manifests, [])
  })

  it('of a client that keeps them up although we have the API make no duplicates', async () => {
    const { service, mirror, subject, list } = await setup()
    const referrers = [randomImage({ subject }), randomImage({ subject })]
    await pushBlobs(service, subject.blobs)
    await put(service, subject)
    for (const [i, referrer] of referrers.entries()) {
      await pushBlobs(service, referrer.blobs)
      await put(service, referrer, byDigest(referrer.digest))
      await put(service, indexOf(referrers.slice(0, i + 1)), tagged(tagOf(subject.digest)))
      await fill(mirror, referrer)
      await under(mirror, indexOf([referrer, referrer]), subject.digest)
    }
    assert.deepEqual(await list(), referrers.map(({ digest }) => digest).sort())
  })

  it('are heard beside the referrers that trees link, in the order of the digests', async () => {
    const { service, own, mirror, subject, list } = await setup()
    const referrers = Array.from({ length: 6 }, (_, i) =>
      randomImage({ subject, extra: { artifactType: `test/${i % 2}` } }),
    ) as [RandomManifest, RandomManifest, RandomManifest, RandomManifest, ...RandomManifest[]]
    const [a, b, c, d, ...rest] = referrers
    await fill(own, a)
    await fillPlain(own, b)
    await under(own, index([b, c].map(descriptorOf)), subject.digest)
    await fillPlain(own, c)
    await fill(mirror, d)
    for (const each of rest) await fillPlain(mirror, each)
    await under(mirror, index([...rest, a].map(descriptorOf)), subject.digest)
    const all = referrers.map(({ digest }) => digest).sort()
    assert.deepEqual(await list(), all)
    const after = all[2]!
    const rest2 = await service.listReferrers(APP, subject.digest, { after })
    assert.deepEqual(
      rest2.manifests.map(({ digest }) => digest),
      all.slice(3),
    )
    const odd = await service.listReferrers(APP, subject.digest, { artifactType: 'test/1' })
    assert.deepEqual(
      odd.manifests.map(({ digest }) => digest),
      referrers
        .filter((_, i) => i % 2 === 1)
        .map(({ digest }) => digest)
        .sort(),
    )
  })

  it('of a sha512 subject are cut to 64 digits', async () => {
    const { own, list } = await setup()
    const bytes = randomImage().bytes
    const subject = { ...piece(bytes, OCI_IMAGE_INDEX), digest: digestOf(bytes, 'sha512') }
    const referrer = randomImage({ subject })
    await fillPlain(own, referrer)
    await under(own, index([descriptorOf(referrer)]), subject.digest)
    assert.equal(tagOf(subject.digest).length, 71)
    assert.deepEqual(await list(subject.digest), [referrer.digest])
  })

  it('do not bring back what was deleted: clients leave them as they are where the API is', async () => {
    const { service, own, mirror, subject, list } = await setup()
    const [kept, gone, theirs] = [1, 2, 3].map(() => randomImage({ subject })) as [
      RandomManifest,
      RandomManifest,
      RandomManifest,
    ]
    for (const each of [kept, gone]) await fillPlain(own, each)
    await fillPlain(mirror, theirs)
    for (const registry of [own, mirror])
      await under(registry, index([kept, gone, theirs].map(descriptorOf)), subject.digest)
    assert.equal((await list()).length, 3)
    for (const each of [gone, theirs]) await service.deleteManifest(APP, byDigest(each.digest))
    assert.deepEqual(await list(), [kept.digest])
  })
})

describe('a fallback tag that is none', () => {
  const good = (subject: Descriptor) => randomImage({ subject, layers: [] })
  /** What stands under the tag, made of a referrer that only that tag names and a manifest of another subject. */
  const things: [string, (hidden: RandomManifest, stranger: RandomManifest) => Piece][] = [
    ['an image', (hidden) => hidden],
    ['a Docker manifest list', (hidden) => index([descriptorOf(hidden)], DOCKER_MANIFEST_LIST)],
    ['no JSON', () => piece(Buffer.from('{"manifests":['), OCI_IMAGE_INDEX)],
    ['empty', () => piece(Buffer.alloc(0), OCI_IMAGE_INDEX)],
    ['JSON of another shape', () => jsonPiece([1, 2], OCI_IMAGE_INDEX)],
    ['without a list', () => index('no')],
    ['deep', () => piece(Buffer.from('['.repeat(100_000)), OCI_IMAGE_INDEX)],
    ['huge', (hidden) => piece(padded(hidden), OCI_IMAGE_INDEX)],
    ['about others', (_, stranger) => index([descriptorOf(stranger)])],
    ['about what is nowhere', () => index([descriptorOf(randomImage())])],
    [
      'full of what is no descriptor',
      (hidden) =>
        index([
          null,
          7,
          'x',
          {},
          { ...descriptorOf(hidden), digest: 'sha256:nope' },
          { ...descriptorOf(hidden), size: -1 },
          { ...descriptorOf(hidden), mediaType: 'text/plain' },
          { ...descriptorOf(hidden), mediaType: undefined },
          { ...descriptorOf(hidden), annotations: { a: 1 } },
          { ...descriptorOf(hidden), artifactType: 'a\nb' },
          { ...descriptorOf(hidden), Digest: hidden.digest },
        ]),
    ],
  ]

  for (const [what, make] of things) {
    for (const where of ['our own tree', 'a mirror'] as const) {
      it(`(${what}) in ${where} lists nothing and costs nothing else`, async () => {
        const mirror = new MemoryRegistry('m')
        const { service, own } = await createRegistry({ mirrors: [mirror] })
        const registry = where === 'a mirror' ? mirror : own
        const subject = randomImage()
        const [linked, hidden] = [good(subject), good(subject)]
        const stranger = good(randomImage())
        await fill(registry, linked)
        await fillPlain(registry, hidden)
        await fillPlain(registry, stranger)
        await under(registry, make(hidden, stranger), subject.digest)
        const { manifests, notices } = await service.listReferrers(APP, subject.digest)
        assert.deepEqual(
          manifests.map(({ digest }) => digest),
          [linked.digest],
        )
        assert.deepEqual(notices, [])
      })
    }
  }

  it('keeps its good entries when others are bad', async () => {
    const { service, own } = await createRegistry()
    const subject = randomImage()
    const referrer = good(subject)
    await fillPlain(own, referrer)
    await under(own, index([null, descriptorOf(referrer), { digest: 1 }]), subject.digest)
    const { manifests } = await service.listReferrers(APP, subject.digest)
    assert.equal(manifests[0]?.digest, referrer.digest)
  })
})

describe('what mirrors say about referrers', () => {
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    yield* []
    throw new Error('the peer is gone')
  }
  /** A mirror that cannot give some of its manifests now. */
  const without = (mirror: MemoryRegistry, ...digests: Digest[]) =>
    twisted(mirror, {
      manifest: (content) =>
        digests.includes(content.digest) ? { ...content, id: 'x', open: failing } : content,
    })

  it('is still heard when its fallback tag cannot be read, and the answer says that something is missing', async () => {
    const mirror = new MemoryRegistry('m')
    const subject = randomImage()
    const [linked, listed] = [randomImage({ subject }), randomImage({ subject })]
    await fill(mirror, linked)
    await fillPlain(mirror, listed)
    const fallback = index([descriptorOf(listed)])
    await under(mirror, fallback, subject.digest)
    const { service, errors } = await createRegistry({
      mirrors: [without(mirror, fallback.digest)],
    })
    const { manifests, notices } = await service.listReferrers(APP, subject.digest)
    assert.deepEqual(
      manifests.map(({ digest }) => digest),
      [linked.digest],
    )
    assert.deepEqual(notices, [{ mirror: 'm', kind: 'skipped' }])
    assert.equal(errors.length, 1)
  })

  it('is taken for what its fallback tag describes while its manifest cannot be read', async () => {
    const mirror = new MemoryRegistry('m')
    const subject = randomImage()
    const away = randomImage({ subject })
    const descriptor = { ...descriptorOf(away), artifactType: 'a/b', annotations: { c: 'd' } }
    await fillPlain(mirror, away)
    const entry = { ...descriptor, data: 'eA==', urls: ['http://x'] }
    await under(mirror, index([entry]), subject.digest)
    const { service } = await createRegistry({ mirrors: [without(mirror, away.digest)] })
    assert.deepEqual(await service.listReferrers(APP, subject.digest), {
      manifests: [descriptor],
      more: false,
      notices: [{ mirror: 'm', kind: 'skipped' }],
    })
    const others = await service.listReferrers(APP, subject.digest, { artifactType: 'x/y' })
    assert.deepEqual(others.manifests, [])
  })

  it('costs a bounded number of failures, and is not believed about what was deleted here even then', async () => {
    const mirror = new MemoryRegistry('m')
    const subject = randomImage()
    const referrers = Array.from({ length: 100 }, () => randomImage({ subject, layers: [] }))
    for (const each of referrers) await fillPlain(mirror, each)
    await under(mirror, index(referrers.map(descriptorOf)), subject.digest)
    const digests = referrers.map(({ digest }) => digest).sort()
    const { service, tombstones, errors } = await createRegistry({
      mirrors: [without(mirror, ...digests)],
    })
    const deleted = [digests[0]!, digests[99]!]
    for (const digest of deleted) await tombstones.hide(APP, 'manifest', digest)
    const { manifests, notices } = await service.listReferrers(APP, subject.digest)
    assert.deepEqual(
      manifests.map(({ digest }) => digest),
      digests.slice(1, 99),
    )
    assert.deepEqual(notices, [{ mirror: 'm', kind: 'skipped' }])
    assert.ok(errors.length < 70, `${errors.length} failures`)
  })

  it('is not heard when it is more than anybody can mean', async () => {
    const mirror = new MemoryRegistry('m')
    const { service, own, errors } = await createRegistry({ mirrors: [mirror] })
    const subject = randomImage()
    const referrer = randomImage({ subject })
    await fill(own, referrer)
    const stored = await mirror.content.write(referrer.bytes, referrer.digest)
    await mirror.transact(async (tx) => {
      for (let i = 0; i <= REFERENCES_MAX; i++) {
        const digest = digestOf(Buffer.from(String(i)))
        await tx.putManifest(APP, { ...stored, digest }, subject.digest)
      }
    })
    const { manifests, notices } = await service.listReferrers(APP, subject.digest)
    assert.deepEqual(
      manifests.map(({ digest }) => digest),
      [referrer.digest],
    )
    assert.deepEqual(notices, [{ mirror: 'm', kind: 'skipped' }])
    assert.match(String(errors[0]?.error), /claims 4097 referrers/)
  })
})

/** An index of that manifest, one byte larger than manifests may be. */
function padded(manifest: RandomManifest): Uint8Array {
  const { bytes } = index([{ ...descriptorOf(manifest), pad: '' }])
  const pad = 'x'.repeat(MANIFEST_MAX_BYTES + 1 - bytes.length)
  return Buffer.from(Buffer.from(bytes).toString().replace('"pad":""', `"pad":"${pad}"`))
}
