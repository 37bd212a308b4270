import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { MirrorDeadlineError } from '../../src/registry/mirror.ts'
import { Overlay } from '../../src/registry/overlay.ts'
import { Tombstones } from '../../src/registry/tombstones.ts'
import { Trust } from '../../src/registry/trust.ts'
import { MemoryMap } from '../support/memory-map.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { collect, indexOf, randomImage, store } from '../support/random-image.ts'
import {
  APP,
  FakeClock,
  byDigest,
  createRegistry,
  never,
  tagged,
  twisted,
} from '../support/registry-setup.ts'
import type { RepositoryName } from '../../src/oci/name.ts'
import type { Page } from '../../src/registry/ports.ts'
import type { RandomManifest } from '../support/random-image.ts'

const fill = (
  registry: MemoryRegistry,
  image: RandomManifest,
  tag?: string,
  name: RepositoryName = APP,
) =>
  store(
    { writer: registry, content: registry.content },
    name,
    image,
    tag === undefined ? undefined : parseTag(tag),
  )

describe('the overlay', () => {
  it('prefers our own tag, then the mirrors in their order', async () => {
    const [a, b] = [new MemoryRegistry('a'), new MemoryRegistry('b')]
    const { service, own } = await createRegistry({ mirrors: [a, b] })
    const [mine, first, second] = [randomImage(), randomImage(), randomImage()]
    await fill(b, second, 'v1')
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, second.digest)
    await fill(a, first, 'v1')
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, first.digest)
    await fill(own, mine, 'v1')
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, mine.digest)
  })

  it('finds a digest wherever it is', async () => {
    const [a, b] = [new MemoryRegistry('a'), new MemoryRegistry('b')]
    const { service } = await createRegistry({ mirrors: [a, b] })
    const image = randomImage()
    await fill(b, image, 'v1')
    const { bytes } = await service.getManifest(APP, byDigest(image.digest))
    assert.deepEqual(Uint8Array.from(bytes), Uint8Array.from(image.bytes))
    const blob = await service.getBlob(APP, image.blobs[1]!.digest)
    assert.deepEqual(await collect(blob.open()), Uint8Array.from(image.blobs[1]!.bytes))
  })

  it('takes a mirror without a root for one that has nothing', async () => {
    const { service } = await createRegistry({
      mirrors: [{ name: 'new', reader: () => undefined }],
    })
    await assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
    assert.deepEqual((await service.listRepositories({})).names, [])
  })

  it('passes over a mirror that fails, and reports it', async () => {
    const [bad, good] = [new MemoryRegistry('bad'), new MemoryRegistry('good')]
    const failing = twisted(bad, { before: () => Promise.reject(new Error('EIO')) })
    const { service, errors } = await createRegistry({ mirrors: [failing, good] })
    const image = randomImage()
    await fill(good, image, 'v1')
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, image.digest)
    assert.deepEqual((await service.listTags(APP, {})).names, ['v1'])
    assert.deepEqual((await service.listRepositories({})).names, [APP])
    assert.ok(errors.length > 0 && errors.every(({ mirror }) => mirror === 'bad'))
  })

  it('throws what our own tree throws, and never asks a mirror instead (I3)', async () => {
    const mirror = new MemoryRegistry('m')
    const image = randomImage()
    await fill(mirror, image, 'v1')
    const broken = twisted(new MemoryRegistry(), { before: () => Promise.reject(new Error('EIO')) })
    const { service } = await createRegistry({ mirrors: [mirror], overlay: { own: broken } })
    await assert.rejects(service.getManifest(APP, tagged('v1')), /EIO/)
    await assert.rejects(service.getManifest(APP, byDigest(image.digest)), /EIO/)
    await assert.rejects(service.getBlob(APP, image.blobs[0]!.digest), /EIO/)
    await assert.rejects(service.listTags(APP, {}), /EIO/)
    await assert.rejects(service.listRepositories({}), /EIO/)
    await assert.rejects(service.listReferrers(APP, image.digest), /EIO/)
  })

  it('gives a dead mirror one deadline, then only an instant for a while', async () => {
    const dead = new MemoryRegistry('dead')
    const good = new MemoryRegistry('good')
    let isDead = true
    const stuck = twisted(dead, {
      before: async (_, signal) => void (isDead && (await never(signal))),
    })
    const { service, errors, clock } = await createRegistry({
      mirrors: [stuck, good],
      overlay: { deadline: 10, pause: 1000, haste: 1 },
    })
    const image = randomImage()
    await fill(good, image, 'v1')
    const pull = () => service.getManifest(APP, tagged('v1'))
    assert.equal((await pull()).digest, image.digest)
    assert.ok(errors[0]?.error instanceof MirrorDeadlineError)
    await pull()
    clock.advance(999)
    await pull()
    assert.equal(errors.length, 1, 'it is given no deadline while it is paused')
    clock.advance(1)
    await Promise.all([pull(), pull(), pull()])
    assert.equal(errors.length, 2, 'then one question tries it')
    isDead = false
    clock.advance(1000)
    await pull()
    await pull()
    assert.equal(errors.length, 2, 'it answers again')
  })

  it('tries a paused mirror at once when it has moved to a newer root', async () => {
    const stuck = twisted(new MemoryRegistry('stuck'), { before: (_, signal) => never(signal) })
    const listeners: (() => void)[] = []
    const onMoved = (listener: () => void): void => void listeners.push(listener)
    const { service, errors } = await createRegistry({
      mirrors: [{ ...stuck, onMoved }],
      overlay: { deadline: 10, pause: 1000, haste: 1 },
    })
    const pull = () =>
      assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
    await pull()
    await pull()
    assert.equal(errors.length, 1, 'it is paused')
    for (const moved of listeners) moved()
    await pull()
    assert.equal(errors.length, 2, 'it is given its deadline again')
    await pull()
    assert.equal(errors.length, 2, 'and is paused again, since it did not answer')
  })

  it('serves what a paused mirror can answer at once, since that is on our own disk', async () => {
    const mirror = new MemoryRegistry('m')
    let isDead = true
    const source = twisted(mirror, {
      before: async (_, signal) => void (isDead && (await never(signal))),
    })
    const { service, errors } = await createRegistry({
      mirrors: [source],
      overlay: { deadline: 5, pause: 1000 },
    })
    const image = randomImage()
    await fill(mirror, image, 'v1')
    const pull = () => service.getManifest(APP, tagged('v1'))
    await assert.rejects(pull(), { code: 'MANIFEST_UNKNOWN' })
    isDead = false
    assert.equal((await pull()).digest, image.digest)
    assert.equal(errors.length, 1)
  })

  it('does not wait for a mirror that ignores its signal', async () => {
    const deaf = twisted(new MemoryRegistry('deaf'), { before: () => new Promise(() => {}) })
    const { service } = await createRegistry({ mirrors: [deaf], overlay: { deadline: 5 } })
    await assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
  })

  it('stops asking when the caller gives up, and does not blame the mirror', async () => {
    const asked = Promise.withResolvers<void>()
    const before = (_: string, signal: AbortSignal | undefined) => {
      asked.resolve()
      return never(signal)
    }
    const { service, errors } = await createRegistry({
      mirrors: [twisted(new MemoryRegistry('m'), { before })],
    })
    const abort = new AbortController()
    const pull = service.getManifest(APP, tagged('v1'), { signal: abort.signal })
    await asked.promise
    abort.abort()
    await assert.rejects(pull, { name: 'AbortError' })
    assert.deepEqual(errors, [])
  })

  it('lists the union of tags and repositories, sorted, each once', async () => {
    const [a, b] = [new MemoryRegistry('a'), new MemoryRegistry('b')]
    const { service, own } = await createRegistry({ mirrors: [a, b] })
    await fill(own, randomImage(), 'm')
    await fill(a, randomImage(), 'z')
    await fill(a, randomImage(), 'm')
    await fill(b, randomImage(), 'B')
    await fill(b, randomImage(), 'x', parseName('other'))
    const page = async (which: Page) => {
      const { names, more } = await service.listTags(APP, which)
      return [...names, more]
    }
    assert.deepEqual(await page({}), ['B', 'm', 'z', false])
    assert.deepEqual(await page({ limit: 2 }), ['B', 'm', true])
    assert.deepEqual(await page({ limit: 2, after: 'm' }), ['z', false])
    assert.deepEqual((await service.listRepositories({})).names, ['other', APP])
    await assert.rejects(service.listTags(parseName('nobody'), {}), { code: 'NAME_UNKNOWN' })
  })

  it('gives an empty page for 0, and no more than 1000 names at once', async () => {
    const { service, own } = await createRegistry()
    const image = randomImage()
    await fill(own, image)
    await own.transact(async (tx) => {
      for (let i = 0; i < 1001; i++) await tx.setTag(APP, parseTag(`t${i}`), image.digest)
    })
    const none = await service.listTags(APP, { limit: 0 })
    assert.deepEqual([none.names, none.more], [[], false])
    for (const limit of [undefined, 1000, 1e9]) {
      const page = await service.listTags(APP, { limit })
      assert.deepEqual([page.names.length, page.more], [1000, true])
    }
    await assert.rejects(service.listTags(parseName('nobody'), { limit: 0 }), {
      code: 'NAME_UNKNOWN',
    })
  })

  it('pages through the union like a model, whatever is where and hidden (property)', async () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-zA-Z0-9_][a-c._-]{0,2}$/), {
      maxLength: 12,
    })
    await fc.assert(
      fc.asyncProperty(
        names,
        names,
        names,
        names,
        fc.integer({ min: 1, max: 5 }),
        async (mine, one, two, hidden, limit) => {
          const clock = new FakeClock()
          const tombstones = await Tombstones.open(new MemoryMap(), clock.now)
          const registries = [
            new MemoryRegistry(),
            new MemoryRegistry('a'),
            new MemoryRegistry('b'),
          ]
          const image = randomImage({ layers: [] })
          for (const [i, tags] of [mine, one, two].entries()) {
            await fill(registries[i]!, image)
            await registries[i]!.transact(async (tx) => {
              for (const tag of tags) await tx.setTag(APP, parseTag(tag), image.digest)
            })
          }
          for (const tag of hidden) await tombstones.hide(APP, 'tag', tag)
          const [own, ...mirrors] = registries as [MemoryRegistry, MemoryRegistry, MemoryRegistry]
          const { now } = clock
          const trust = new Trust({ map: new MemoryMap(), now })
          const reader = new Overlay({
            own,
            mirrors,
            trust,
            blobLimit: 1,
            tombstones,
            now,
          }).reader()
          const theirs = [...one, ...two].filter((tag) => !hidden.includes(tag))
          const model = [...new Set([...mine, ...theirs])].sort()
          const paged: string[] = []
          for (;;) {
            const page = (await reader.tags(APP, { after: paged.at(-1), limit })) ?? assert.fail()
            paged.push(...page)
            if (page.length < limit) break
          }
          assert.deepEqual(paged, model)
          assert.deepEqual(await reader.tags(APP), model)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('referrers', () => {
  it('are the union of all trees, with the descriptors their manifests give', async () => {
    const mirror = new MemoryRegistry('m')
    const { service, own } = await createRegistry({ mirrors: [mirror] })
    const subject = randomImage()
    const mine = randomImage({
      subject,
      extra: { artifactType: 'text/sbom', annotations: { a: 'b' } },
    })
    const theirs = randomImage({ subject })
    await fill(own, mine)
    await fill(mirror, theirs)
    await fill(mirror, mine)
    const list = await service.listReferrers(APP, subject.digest)
    assert.deepEqual(
      list.manifests.map(({ digest }) => digest),
      [mine.digest, theirs.digest].sort(),
    )
    const sbom = await service.listReferrers(APP, subject.digest, { artifactType: 'text/sbom' })
    assert.deepEqual(sbom.manifests, [
      {
        mediaType: mine.mediaType,
        digest: mine.digest,
        size: mine.size,
        artifactType: 'text/sbom',
        annotations: { a: 'b' },
      },
    ])
    const none = await service.listReferrers(APP, subject.digest, { artifactType: 'a/b' })
    assert.deepEqual(none.manifests, [])
  })

  it('are empty for an unknown digest or repository', async () => {
    const { service } = await createRegistry()
    const list = await service.listReferrers(parseName('nobody'), randomImage().digest)
    assert.deepEqual(list, { manifests: [], more: false, notices: [] })
  })

  it('are also found under the fallback tag of a tree that has no referrers', async () => {
    const mirror = new MemoryRegistry('stock')
    const { service } = await createRegistry({ mirrors: [mirror] })
    const subject = randomImage()
    const referrer = randomImage({ subject })
    await fill(mirror, { ...referrer, subject: undefined })
    await fill(mirror, indexOf([referrer]), subject.digest.replace(':', '-'))
    const list = await service.listReferrers(APP, subject.digest)
    assert.deepEqual(
      list.manifests.map(({ digest }) => digest),
      [referrer.digest],
    )
  })

  it('are only manifests that name the subject themselves, whatever a tree claims', async () => {
    const mirror = new MemoryRegistry('m')
    const { service } = await createRegistry({ mirrors: [mirror] })
    const [subject, stranger] = [randomImage(), randomImage()]
    await fill(mirror, { ...stranger, subject: subject.digest })
    await fill(mirror, indexOf([stranger, randomImage()]), subject.digest.replace(':', '-'))
    assert.deepEqual((await service.listReferrers(APP, subject.digest)).manifests, [])
  })

  it('come back the same when asked again', async () => {
    const { service, own } = await createRegistry()
    const subject = randomImage()
    await fill(own, randomImage({ subject }))
    const list = await service.listReferrers(APP, subject.digest)
    assert.equal(list.manifests.length, 1)
    assert.deepEqual(await service.listReferrers(APP, subject.digest), list)
  })
})

describe('a stored manifest that is damaged', () => {
  it('is 503 and not 404, for it is there (I3, I5)', async () => {
    const image = randomImage()
    const own = new MemoryRegistry()
    await fill(own, image, 'v1')
    const damaged = twisted(own, {
      manifest: (content) => ({ ...content, open: () => collectable(image.size) }),
    })
    const { service } = await createRegistry({ overlay: { own: damaged } })
    await assert.rejects(service.getManifest(APP, tagged('v1')), {
      code: 'UNAVAILABLE',
      status: 503,
    })
  })
})

async function* collectable(size: number): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(size)
}
