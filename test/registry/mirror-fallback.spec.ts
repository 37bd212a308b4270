import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { isRegistryError } from '../../src/oci/errors.ts'
import { parseTag } from '../../src/oci/name.ts'
import { WrongContentError } from '../../src/registry/trust.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { collect, randomImage, store } from '../support/random-image.ts'
import { APP, byDigest, createRegistry, lying, tagged, twisted } from '../support/registry-setup.ts'
import type { Content } from '../../src/registry/ports.ts'
import type { RandomManifest } from '../support/random-image.ts'

describe('what one mirror has wrong', () => {
  let image: RandomManifest
  let mirror: MemoryRegistry

  beforeEach(async () => {
    image = randomImage({ layers: [50_000] })
    mirror = new MemoryRegistry('m')
    await store({ writer: mirror, content: mirror.content }, APP, image, parseTag('v1'))
  })

  const layer = () => image.blobs.at(-1) ?? assert.fail()

  describe('when another mirror has it right', () => {
    const setup = async (blobLie: (content: Content) => Content) => {
      const honest = new MemoryRegistry('honest', mirror.content)
      await store({ writer: honest, content: honest.content }, APP, image, parseTag('v2'))
      const liar = twisted(mirror, {
        blob: blobLie,
        manifest: (content) => lying(content, randomBytes(image.size)),
      })
      return createRegistry({ mirrors: [liar, honest] })
    }

    it('is read from that one: a manifest', async () => {
      const { service, errors } = await setup((content) => content)
      assert.equal((await service.getManifest(APP, byDigest(image.digest))).digest, image.digest)
      assert.deepEqual(
        errors.map((each) => each.mirror),
        ['m'],
      )
    })

    it('is read from that one: a tag that the first gives a wrong manifest for', async () => {
      const { service } = await setup((content) => content)
      await assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
      assert.equal((await service.getManifest(APP, tagged('v2'))).digest, image.digest)
    })

    it('is read from that one: a blob that was wrong in one piece, a range, a blob that cannot be read', async () => {
      const ways: [
        (content: Content) => Content,
        { offset: number; length: number } | undefined,
      ][] = [
        [(content) => lying(content, randomBytes(content.size), 1), undefined],
        [(content) => lying(content, randomBytes(content.size)), { offset: 5, length: 10 }],
        [(content) => ({ ...content, id: 'x', open: () => failing() }), undefined],
      ]
      for (const [lie, range] of ways) {
        const { service, errors } = await setup(lie)
        const blob = await service.getBlob(APP, layer().digest)
        const expected = range === undefined ? layer().bytes : layer().bytes.subarray(5, 15)
        assert.deepEqual(await collect(blob.open({ range })), Uint8Array.from(expected))
        assert.equal(errors.length, 1)
      }
    })

    it('is read from that one when nothing comes within the deadline of the first', async () => {
      const never = async function* (signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
        await once(signal ?? assert.fail(), 'abort')
        yield assert.fail('nobody waits any more')
      }
      const honest = new MemoryRegistry('honest', mirror.content)
      await store({ writer: honest, content: honest.content }, APP, image, parseTag('v2'))
      const slow = twisted(mirror, {
        blob: (content) => ({ ...content, id: 'x', open: ({ signal } = {}) => never(signal) }),
      })
      const { service, errors } = await createRegistry({
        mirrors: [Object.assign(slow, { deadline: 20 }), honest],
      })
      const blob = await service.getBlob(APP, layer().digest)
      assert.deepEqual(await collect(blob.open()), Uint8Array.from(layer().bytes))
      assert.deepEqual(
        errors.map((each) => each.mirror),
        ['m'],
      )
    })

    it('is not read from one that has another size, for the client was told the first one’s', async () => {
      const first = twisted(mirror, {
        blob: (content) => ({ ...content, id: 'x', open: () => failing() }),
      })
      const other = new MemoryRegistry('other', mirror.content)
      await store({ writer: other, content: other.content }, APP, image)
      const longer = twisted(other, {
        blob: (content) => ({ ...content, id: 'y', size: content.size + 1 }),
      })
      const { service } = await createRegistry({ mirrors: [first, longer] })
      const blob = await service.getBlob(APP, layer().digest)
      await assert.rejects(collect(blob.open()), { code: 'UNAVAILABLE' })
    })

    it('is cut off when it was wrong after its first piece, and right the next time', async () => {
      const { service } = await setup((content) => lying(content, randomBytes(content.size)))
      const { digest, bytes } = layer()
      await assert.rejects(collect((await service.getBlob(APP, digest)).open()), WrongContentError)
      const again = await service.getBlob(APP, digest)
      assert.deepEqual(await collect(again.open()), Uint8Array.from(bytes))
    })
  })

  it('ends in 404 when every mirror is wrong, and in 503 when one cannot be read', async () => {
    const lie = (content: Content) => lying(content, randomBytes(content.size), 1)
    const wrong = await createRegistry({ mirrors: [twisted(mirror, { blob: lie })] })
    const blob = await wrong.service.getBlob(APP, layer().digest)
    await assert.rejects(collect(blob.open()), (error) => isRegistryError(error, 'BLOB_UNKNOWN'))
    await assert.rejects(wrong.service.getBlob(APP, layer().digest), { code: 'BLOB_UNKNOWN' })
    const copy = twisted(mirror, {
      blob: (content) => ({ ...content, id: 'x', open: () => failing() }),
    })
    const unreadable = await createRegistry({ mirrors: [copy] })
    const unread = await unreadable.service.getBlob(APP, layer().digest)
    await assert.rejects(collect(unread.open()), (error) => isRegistryError(error, 'UNAVAILABLE'))
  })
})

async function* failing(): AsyncGenerator<Uint8Array> {
  yield* []
  throw new Error('the peer is gone')
}
