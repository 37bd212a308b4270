import assert from 'node:assert/strict'
import { parseConditions } from '../../src/oci/conditions.ts'
import { isRegistryError } from '../../src/oci/errors.ts'
import { parseTag } from '../../src/oci/name.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { indexOf, randomImage, store } from '../support/random-image.ts'
import { APP, byDigest, createRegistry, tagged, twisted } from '../support/registry-setup.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { RegistryError } from '../../src/oci/errors.ts'
import type { Reference } from '../../src/oci/name.ts'
import type { MirrorSource } from '../../src/registry/mirror.ts'
import type { RandomManifest } from '../support/random-image.ts'
import type { RegistrySetup } from '../support/registry-setup.ts'

/** What a request says of the state that it is for: a digest, or `*`; `!` before it: If-None-Match. */
function when(text: string | undefined) {
  const tags = text?.replace('!', '').replace(/^sha.+$/, '"$&"')
  return text?.startsWith('!') ? parseConditions(undefined, tags) : parseConditions(tags, undefined)
}

const FAILED = { code: 'DENIED', status: 412 }
const LATER = { code: 'UNAVAILABLE', status: 503 }
const UNKNOWN = { code: 'MANIFEST_UNKNOWN', status: 404 }

/** A list of nothing, as clients keep it under a fallback tag; each is another one. */
let made = 0
const list = (): RandomManifest => indexOf([], { annotations: { n: String(++made) } })

async function setup(init: RegistrySetup = {}) {
  const registry = await createRegistry(init)
  const { service } = registry
  const put = (index: RandomManifest, condition?: string, reference: Reference = tagged('v1')) =>
    service.putManifest(APP, reference, index.bytes, index.mediaType, {
      conditions: when(condition),
    })
  const remove = (condition: string, reference: Reference = tagged('v1')) =>
    service.deleteManifest(APP, reference, { conditions: when(condition) })
  const now = async (reference: Reference = tagged('v1')): Promise<Digest | undefined> => {
    try {
      return (await service.getManifest(APP, reference)).digest
    } catch (error) {
      if (isRegistryError(error, 'MANIFEST_UNKNOWN')) return undefined
      throw error
    }
  }
  return { ...registry, put, remove, now }
}

/** A mirror with a list under v1. */
async function mirrorWith(index: RandomManifest) {
  const mirror = new MemoryRegistry('m')
  await store({ writer: mirror, content: mirror.content }, APP, index, parseTag('v1'))
  return mirror
}

const dead = (): MirrorSource =>
  twisted(new MemoryRegistry('dead'), { before: () => Promise.reject(new Error('EIO')) })

describe('a change on a condition', () => {
  const [a, b, c] = [list(), list(), list()]

  it('moves a tag that is what it is thought to be, and no other', async () => {
    const { put, now } = await setup()
    await assert.rejects(put(a, '*'), FAILED)
    await assert.rejects(put(a, a.digest), FAILED)
    assert.equal(await now(), undefined)
    await put(a, '!*')
    await assert.rejects(put(b, '!*'), FAILED)
    await assert.rejects(put(b, `!${a.digest}`), FAILED)
    await assert.rejects(put(b, c.digest), FAILED)
    assert.equal(await now(), a.digest)
    await put(b, a.digest)
    await put(c, `!${a.digest}`)
    assert.equal(await now(), c.digest)
  })

  it('that fails leaves nothing behind, not even the manifest', async () => {
    const { put, now, own } = await setup()
    await put(a)
    const { commits } = own
    await assert.rejects(put(b, '!*'), FAILED)
    assert.deepEqual([await now(byDigest(b.digest)), own.commits], [undefined, commits])
  })

  it('is made by exactly one of all who thought the same', async () => {
    const { put, now } = await setup()
    await put(a)
    const rivals = Array.from({ length: 20 }, list)
    const outcomes = await Promise.allSettled(rivals.map((each) => put(each, a.digest)))
    const winners = rivals.filter((_, i) => outcomes[i]?.status === 'fulfilled')
    assert.equal(winners.length, 1)
    assert.equal(await now(), winners[0]?.digest)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') assert.equal((outcome.reason as RegistryError).status, 412)
  })

  it('by one of all who would be the first, also where a mirror is asked', async () => {
    const { put } = await setup({ mirrors: [new MemoryRegistry('m')] })
    const outcomes = await Promise.allSettled([a, b, c].map((each) => put(each, '!*')))
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  it('loses nothing when many keep up one list', async () => {
    const { put, service } = await setup()
    const entries = Array.from({ length: 8 }, list)
    for (const each of entries) await put(each, undefined, byDigest(each.digest))
    await put(indexOf([]))
    const add = async (entry: RandomManifest): Promise<void> => {
      const { digest, bytes } = await service.getManifest(APP, tagged('v1'))
      const { manifests } = JSON.parse(Buffer.from(bytes).toString()) as {
        manifests: RandomManifest[]
      }
      try {
        await put(indexOf([...manifests, entry]), digest)
      } catch (error) {
        if (!isRegistryError(error, 'DENIED')) throw error
        await add(entry)
      }
    }
    await Promise.all(entries.map(add))
    const { bytes } = await service.getManifest(APP, tagged('v1'))
    const text = Buffer.from(bytes).toString()
    for (const { digest } of entries) assert.ok(text.includes(digest))
  })

  it('by digest is about the manifest of that digest, whatever tags it sets', async () => {
    const { put, now, service } = await setup()
    await put(a)
    const there = byDigest(b.digest)
    await assert.rejects(put(b, '*', there), FAILED)
    await put(b, '!*', there)
    await assert.rejects(put(b, '!*', there), FAILED)
    const options = { tags: [parseTag('v1')], conditions: when('*') }
    await service.putManifest(APP, there, b.bytes, b.mediaType, options)
    assert.equal(await now(), b.digest)
  })

  it('deletes what is what it is thought to be, and what is not there is 404', async () => {
    const { put, remove, now } = await setup()
    for (const condition of ['*', '!*', a.digest]) {
      await assert.rejects(remove(condition), UNKNOWN)
      await assert.rejects(remove(condition, byDigest(a.digest)), UNKNOWN)
    }
    await put(a)
    for (const reference of [tagged('v1'), byDigest(a.digest)])
      for (const condition of [b.digest, '!*', `!${a.digest}`])
        await assert.rejects(remove(condition, reference), FAILED)
    assert.equal(await now(), a.digest)
    await remove(a.digest)
    assert.deepEqual([await now(), await now(byDigest(a.digest))], [undefined, a.digest])
    await remove('*', byDigest(a.digest))
    assert.equal(await now(byDigest(a.digest)), undefined)
  })

  it('deletes a blob on the same terms', async () => {
    const { own, service } = await setup()
    const image = randomImage()
    const blob = image.blobs[0]!.digest
    await store({ writer: own, content: own.content }, APP, image)
    const remove = (condition: string) =>
      service.deleteBlob(APP, blob, { conditions: when(condition) })
    await assert.rejects(remove(a.digest), FAILED)
    await remove(blob)
    await assert.rejects(remove(blob), { code: 'BLOB_UNKNOWN' })
  })

  describe('of what only a mirror has', () => {
    it('is about that, for it is what clients see', async () => {
      const { put, now } = await setup({ mirrors: [await mirrorWith(a)] })
      await assert.rejects(put(b, '!*'), FAILED)
      await assert.rejects(put(b, c.digest), FAILED)
      assert.equal(await now(), a.digest)
      await put(b, a.digest)
      assert.equal(await now(), b.digest)
      await assert.rejects(put(c, a.digest), FAILED)
    })

    it('hides it once, for one of all who ask', async () => {
      const { remove, now } = await setup({ mirrors: [await mirrorWith(a)] })
      await assert.rejects(remove(b.digest), FAILED)
      assert.equal(await now(), a.digest)
      const outcomes = await Promise.allSettled([1, 2, 3].map(() => remove(a.digest)))
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
      assert.equal(await now(), undefined)
    })

    it('finds nothing where it was hidden meanwhile, by tag, by digest or with its repository', async () => {
      for (const reference of [tagged('v1'), byDigest(a.digest), undefined]) {
        const mirror = await mirrorWith(a)
        let own: MemoryRegistry | undefined
        let before: (() => Promise<void>) | undefined
        const writer: RegistrySetup['writer'] = (registry) => {
          own = registry
          return {
            transact: async (edit, options) => {
              const first = before
              before = undefined
              await first?.()
              return registry.transact(edit, options)
            },
          }
        }
        const { put, service, now } = await setup({ mirrors: [mirror], writer })
        before = () =>
          reference === undefined
            ? service.deleteRepository(APP)
            : service.deleteManifest(APP, reference)
        await assert.rejects(put(b, a.digest), FAILED)
        assert.deepEqual([await now(), own?.commits], [undefined, 1])
      }
    })

    it('waits for a mirror that may have it and cannot be asked, unless ours or another has it', async () => {
      const { put, now, remove } = await setup({ mirrors: [dead()] })
      for (const condition of ['!*', '*', a.digest]) await assert.rejects(put(b, condition), LATER)
      await assert.rejects(remove('*'), UNKNOWN)
      await put(a)
      await put(b, a.digest)
      assert.equal(await now(), b.digest)
      const both = await setup({ mirrors: [dead(), await mirrorWith(a)] })
      await both.put(b, a.digest)
      assert.equal(await both.now(), b.digest)
    })
  })

  it('looks again when the tag it is about goes between the look and the change', async () => {
    let before: (() => Promise<void>) | undefined
    const { put, now, service } = await setup({
      writer: (own) => ({
        transact: async (edit, options) => {
          const first = before
          before = undefined
          await first?.()
          return own.transact(edit, options)
        },
      }),
    })
    await put(a)
    before = () => service.deleteManifest(APP, tagged('v1'))
    await assert.rejects(put(b, a.digest), FAILED)
    await put(a)
    before = () => service.deleteManifest(APP, tagged('v1'))
    await put(b, `!${c.digest}`)
    assert.equal(await now(), b.digest)
  })
})
