import assert from 'node:assert/strict'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { randomImage, store } from '../support/random-image.ts'
import { APP, byDigest, createRegistry, tagged, twisted } from '../support/registry-setup.ts'
import type { Notice, RegistrySource } from '../../src/registry/ports.ts'
import type { RandomManifest } from '../support/random-image.ts'

const OTHER = parseName('other')
const SINCE = 1_600_000_000_000

const fill = (registry: MemoryRegistry, image: RandomManifest, tag: string, name = APP) =>
  store({ writer: registry, content: registry.content }, name, image, parseTag(tag))

/** A mirror whose root nobody has confirmed since then. */
const stale = (registry: MemoryRegistry, since: number | undefined = SINCE): RegistrySource => ({
  name: registry.name,
  reader: () => registry.reader(),
  staleSince: () => since,
})
const broken = (registry: MemoryRegistry): RegistrySource =>
  twisted(registry, { before: () => Promise.reject(new Error('EIO')) })
const waiting = (name: string): RegistrySource => ({ name, reader: () => undefined })

const staleNotice = (mirror: string, since = SINCE): Notice => ({ mirror, kind: 'stale', since })

describe('what an answer says about mirrors', () => {
  const [image, signature] = (() => {
    const subject = randomImage()
    return [subject, randomImage({ subject })] as const
  })()
  const named = (name: string) => new MemoryRegistry(name)

  /** A registry over those mirrors; asks everything that depends on them. */
  async function asking(mirrors: RegistrySource[], prepare?: (own: MemoryRegistry) => unknown) {
    const { service, own } = await createRegistry({ mirrors })
    await prepare?.(own)
    const tag = async () => (await service.getManifest(APP, tagged('v1'))).notices
    const tags = async () => (await service.listTags(APP, {})).notices
    const catalog = async () => (await service.listRepositories({})).notices
    const referrers = async () => (await service.listReferrers(APP, image.digest)).notices
    return { service, tag, tags, catalog, referrers }
  }

  it('is nothing when all mirrors are up to date', async () => {
    const m = named('m')
    await fill(m, image, 'v1')
    await fill(m, signature, 'sig')
    const ask = await asking([m, twisted(named('n'), {})])
    for (const which of ['tag', 'tags', 'catalog', 'referrers'] as const)
      assert.deepEqual(await ask[which](), [], which)
  })

  it('is that a mirror may be out of date, where the answer is from it', async () => {
    const m = named('m')
    await fill(m, image, 'v1')
    await fill(m, signature, 'sig')
    const ask = await asking([stale(m)])
    for (const which of ['tag', 'tags', 'catalog', 'referrers'] as const)
      assert.deepEqual(await ask[which](), [staleNotice('m')], which)
  })

  it('is nothing about a mirror that has nothing to do with the answer', async () => {
    const m = named('m')
    await fill(m, image, 'v1', OTHER)
    const ask = await asking([stale(m)], (own) => fill(own, image, 'v1'))
    for (const which of ['tag', 'tags', 'referrers'] as const)
      assert.deepEqual(await ask[which](), [], which)
    assert.deepEqual(await ask.catalog(), [staleNotice('m')])
  })

  it('is nothing about our own tag, whatever the mirrors do', async () => {
    const m = named('m')
    await fill(m, image, 'v1')
    const ask = await asking([broken(m), waiting('w'), stale(m)], (own) => fill(own, image, 'v1'))
    assert.deepEqual(await ask.tag(), [])
  })

  it('is nothing about what is asked for by digest, which never changes', async () => {
    const m = named('m')
    await fill(m, image, 'v1')
    const { service } = await asking([broken(named('b')), waiting('w'), stale(m)])
    assert.deepEqual((await service.getManifest(APP, byDigest(image.digest))).notices, [])
  })

  it('is which mirrors were asked before the one that had the tag, and could not say', async () => {
    const m = named('m')
    await fill(m, image, 'v1')
    const ask = await asking([waiting('w'), broken(named('b')), stale(m), waiting('later')])
    assert.deepEqual(await ask.tag(), [
      { mirror: 'w', kind: 'waiting' },
      { mirror: 'b', kind: 'skipped' },
      staleNotice('m'),
    ])
  })

  it('is what a listing lacks: mirrors that cannot be read, or were never reached', async () => {
    const m = named('m')
    await fill(m, image, 'v1')
    const ask = await asking([broken(named('b')), m, waiting('w')])
    const expected = [
      { mirror: 'b', kind: 'skipped' },
      { mirror: 'w', kind: 'waiting' },
    ]
    for (const which of ['tags', 'catalog', 'referrers'] as const)
      assert.deepEqual(await ask[which](), expected, which)
  })

  it('is one word about each mirror, the weightiest, however often it was asked', async () => {
    const m = named('m')
    await fill(m, image, 'v1')
    for (const n of [1, 2, 3])
      await fill(m, randomImage({ subject: image, extra: { n } }), `sig${n}`)
    let calls = 0
    const source = twisted(m, {
      before: (call) =>
        call === 'manifest' && ++calls === 2 ? Promise.reject(new Error('EIO')) : Promise.resolve(),
    })
    const ask = await asking([{ ...source, staleSince: () => SINCE }])
    assert.deepEqual(await ask.referrers(), [{ mirror: 'm', kind: 'skipped' }])
  })
})
