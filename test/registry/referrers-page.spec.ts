import assert from 'node:assert/strict'
import { MANIFEST_MAX_BYTES, REFERRERS_PAGE_BYTES, bytesAsJson } from '../../src/oci/manifest.ts'
import { OCI_IMAGE_INDEX } from '../../src/oci/media-type.ts'
import { put } from '../support/manifest-push.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { descriptorOf, jsonPiece, randomImage, store } from '../support/random-image.ts'
import { APP, byDigest, createRegistry } from '../support/registry-setup.ts'
import type { RandomManifest } from '../support/random-image.ts'
import type { RegistryReader } from '../../src/registry/ports.ts'

describe('a page of referrers', () => {
  /** A registry whose mirror has this many referrers of one subject, and how many manifests of it were read. */
  const setup = async (count: number) => {
    const mirror = new MemoryRegistry('m')
    const subject = randomImage()
    for (let i = 0; i < count; i++) {
      const extra = { artifactType: `text/${i % 2 === 0 ? 'even' : 'odd'}` }
      const annotations = { note: `${i}-${'x'.repeat(20_000)}` }
      const referrer = randomImage({ subject, extra: { ...extra, annotations } })
      await store({ writer: mirror, content: mirror.content }, APP, referrer)
    }
    const read = { manifests: 0 }
    const counting = (reader: RegistryReader): RegistryReader =>
      new Proxy(reader, {
        get(target, key) {
          if (key === 'manifest') read.manifests++
          const value: unknown = Reflect.get(target, key)
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      })
    const source = { name: 'm', reader: () => counting(mirror.reader()) }
    const { service } = await createRegistry({ mirrors: [source] })
    return { service, subject: subject.digest, read }
  }

  it('reads little further than it is long, however many there are (I8)', async () => {
    const { service, subject, read } = await setup(60)
    const list = await service.listReferrers(APP, subject, { bytes: 100_000 })
    assert.deepEqual([list.manifests.length, list.more], [4, true])
    assert.ok(read.manifests <= 12, `${read.manifests} manifests were read`)
  })

  it('goes on after the last of the one before, and each is listed once', async () => {
    const { service, subject } = await setup(11)
    const whole = await service.listReferrers(APP, subject)
    assert.deepEqual([whole.manifests.length, whole.more], [11, false])
    const seen: string[] = []
    for (let more = true; more;) {
      const list = await service.listReferrers(APP, subject, {
        after: seen.at(-1),
        bytes: 50_000,
      })
      seen.push(...list.manifests.map(({ digest }) => digest))
      more = list.more
    }
    assert.deepEqual(
      seen,
      whole.manifests.map(({ digest }) => digest),
    )
  })

  it('counts only what is wanted, and holds at least one', async () => {
    const { service, subject } = await setup(6)
    const odd = await service.listReferrers(APP, subject, { artifactType: 'text/odd', bytes: 1 })
    assert.deepEqual([odd.manifests.length, odd.more], [1, true])
    assert.equal(odd.manifests[0]?.artifactType, 'text/odd')
  })

  /** An index of nothing that says much about its subject: so many bytes as a descriptor in a list. */
  const talkative = (subject: RandomManifest, bytes: number): RandomManifest => {
    const make = (note: string) => {
      const document = { schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests: [] }
      const more = { subject: descriptorOf(subject), annotations: { note } }
      return {
        ...jsonPiece({ ...document, ...more }, OCI_IMAGE_INDEX),
        blobs: [],
        subject: subject.digest,
      }
    }
    const listed = (made: RandomManifest, note: string) =>
      bytesAsJson({ ...descriptorOf(made), annotations: { note } })
    const frame = make('x'.repeat(bytes - 1000))
    const rest = bytes - listed(frame, 'x'.repeat(bytes - 1000))
    const note = 'x'.repeat(bytes - 1000 + rest)
    const made = make(note)
    assert.equal(listed(made, note), bytes)
    return made
  }

  it('has room for the longest annotations that are taken, and longer ones are 413', async () => {
    const { service } = await createRegistry()
    const subject = randomImage()
    const longest = talkative(subject, REFERRERS_PAGE_BYTES)
    await put(service, longest, byDigest(longest.digest))
    const longer = talkative(subject, REFERRERS_PAGE_BYTES + 1)
    assert.ok(longer.bytes.length < MANIFEST_MAX_BYTES)
    const refused = { code: 'MANIFEST_INVALID', status: 413, message: /annotations/ }
    await assert.rejects(put(service, longer, byDigest(longer.digest)), refused)
    const list = await service.listReferrers(APP, subject.digest, { bytes: REFERRERS_PAGE_BYTES })
    assert.deepEqual([list.manifests.length, list.more], [1, false])
    assert.notEqual(list.manifests[0]?.annotations, undefined)
  })

  it('lists what a mirror has with longer ones without them, and all others as they are', async () => {
    const mirror = new MemoryRegistry('m')
    const subject = randomImage()
    const longer = talkative(subject, REFERRERS_PAGE_BYTES + 1)
    const signature = randomImage({ subject, extra: { annotations: { a: 'b' } } })
    for (const each of [longer, signature])
      await store({ writer: mirror, content: mirror.content }, APP, each)
    const { service } = await createRegistry({ mirrors: [mirror] })
    const list = await service.listReferrers(APP, subject.digest, { bytes: REFERRERS_PAGE_BYTES })
    assert.deepEqual(
      new Map(list.manifests.map(({ digest, annotations }) => [digest, annotations])),
      new Map([
        [longer.digest, undefined],
        [signature.digest, { a: 'b' }],
      ]),
    )
  })
})
