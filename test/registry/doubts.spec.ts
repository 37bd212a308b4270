import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { parseTag } from '../../src/oci/name.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { collect, descriptorOf, jsonPiece, randomImage, store } from '../support/random-image.ts'
import {
  APP,
  byDigest,
  createRegistry,
  lying,
  never,
  tagged,
  twisted,
} from '../support/registry-setup.ts'
import type { RandomManifest } from '../support/random-image.ts'
import type { Twist } from '../support/registry-setup.ts'

const MINUTE = 60_000

describe('content in doubt', () => {
  let image: RandomManifest
  let first: MemoryRegistry
  let second: MemoryRegistry

  beforeEach(async () => {
    image = randomImage({ layers: [50_000] })
    first = new MemoryRegistry('first')
    second = new MemoryRegistry('second')
    for (const mirror of [first, second])
      await store({ writer: mirror, content: mirror.content }, APP, image, parseTag('v1'))
  })

  const layer = () => image.blobs.at(-1) ?? assert.fail()
  const registryOf = (twist: Twist, overlay = {}) =>
    createRegistry({ mirrors: [twisted(first, twist), second], overlay })

  it('comes last when it broke off in the middle, for ten minutes', async () => {
    let opened = 0
    const { service, clock } = await registryOf({
      blob: (content) => ({
        ...content,
        open: async function* () {
          opened++
          yield layer().bytes.subarray(0, 10)
          yield layer().bytes.subarray(10, 20) // one piece is held back
          throw new Error('the peer is gone')
        },
      }),
    })
    const pull = async () => collect((await service.getBlob(APP, layer().digest)).open())
    await assert.rejects(pull(), /the peer is gone/)
    assert.deepEqual(await pull(), Uint8Array.from(layer().bytes))
    assert.equal(opened, 1)
    clock.advance(11 * MINUTE)
    await assert.rejects(pull(), /the peer is gone/)
  })

  it('comes last when it is not of the size that its manifest says', async () => {
    const { service } = await registryOf({
      blob: (content) =>
        content.digest === layer().digest
          ? { ...lying(content, randomBytes(99_000)), size: 99_000 }
          : content,
    })
    assert.equal(
      (await service.getBlob(APP, layer().digest)).size,
      99_000,
      'nothing is known of it yet',
    )
    await service.getManifest(APP, tagged('v1'))
    const blob = await service.getBlob(APP, layer().digest)
    assert.equal(blob.size, 50_000)
    const range = { offset: 49_990, length: 10 }
    assert.deepEqual(
      await collect(blob.open({ range })),
      Uint8Array.from(layer().bytes.subarray(49_990)),
    )
  })

  it('is read all the same when nobody else has it', async () => {
    const wrong = jsonPiece(
      {
        schemaVersion: 2,
        mediaType: image.mediaType,
        config: descriptorOf(image.blobs[0]!),
        layers: [{ ...descriptorOf(layer()), size: 7 }],
      },
      image.mediaType,
    )
    const { service } = await createRegistry({ mirrors: [second] })
    await store({ writer: second, content: second.content }, APP, {
      ...wrong,
      blobs: [],
      subject: undefined,
    })
    await service.getManifest(APP, byDigest(wrong.digest))
    const blob = await service.getBlob(APP, layer().digest)
    assert.deepEqual(await collect(blob.open()), Uint8Array.from(layer().bytes))
  })

  it('gives way to another that has it, when its first piece does not come', async () => {
    let given: AbortSignal | undefined
    const { service, errors } = await registryOf(
      {
        blob: (content) => ({
          ...content,
          open: async function* ({ signal } = {}) {
            given = signal
            await never(signal)
            yield new Uint8Array()
          },
        }),
      },
      { deadline: 20 },
    )
    const blob = await service.getBlob(APP, layer().digest)
    assert.deepEqual(await collect(blob.open()), Uint8Array.from(layer().bytes))
    assert.equal(given?.aborted, true)
    assert.match(String(errors.at(-1)?.error), /nothing came/)
  })

  it('is waited for when nobody else has it', async () => {
    const late = twisted(first, {
      blob: (content) => ({
        ...content,
        open: async function* (options = {}) {
          await new Promise((resolve) => void setTimeout(resolve, 60))
          yield* content.open(options)
        },
      }),
    })
    const { service } = await createRegistry({ mirrors: [late], overlay: { deadline: 20 } })
    const blob = await service.getBlob(APP, layer().digest)
    assert.deepEqual(await collect(blob.open()), Uint8Array.from(layer().bytes))
  })
})

describe('a tag of a mirror', () => {
  it('for a document that is not served as a manifest is none: the next mirror has it', async () => {
    const image = randomImage()
    const odd = jsonPiece({ schemaVersion: 2, mediaType: 'text/html', config: {} }, 'text/html')
    const [first, second] = [new MemoryRegistry('first'), new MemoryRegistry('second')]
    const tag = parseTag('v1')
    const document = { ...odd, blobs: [], subject: undefined }
    await store({ writer: first, content: first.content }, APP, document, tag)
    await store({ writer: second, content: second.content }, APP, image, tag)
    const { service, errors } = await createRegistry({ mirrors: [first, second] })
    for (let n = 0; n < 2; n++)
      assert.equal((await service.getManifest(APP, tagged('v1'))).digest, image.digest)
    assert.match(String(errors[0]?.error), /is not a manifest that this registry serves/)
    const blob = await service.getBlob(APP, odd.digest)
    assert.deepEqual(await collect(blob.open()), Uint8Array.from(odd.bytes))
  })
})
