import assert from 'node:assert/strict'
import { parseTag } from '../../src/oci/name.ts'
import { Foresight } from '../../src/registry/foresight.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { randomImage, store } from '../support/random-image.ts'
import { APP, byDigest, createRegistry, never, tagged, twisted } from '../support/registry-setup.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { RegistryReader } from '../../src/registry/ports.ts'

describe('what a mirror’s manifest names', () => {
  const image = randomImage({ layers: [100, 200, 300] })
  const names = image.blobs.map(({ digest }) => digest).toSorted()

  it('is looked up at the mirror once the manifest is proven, and not again', async () => {
    const mirror = new MemoryRegistry('m')
    await store({ writer: mirror, content: mirror.content }, APP, image, parseTag('v1'))
    const asked: Digest[] = []
    const watched = twisted(mirror, {
      blob: (content) => {
        asked.push(content.digest)
        return content
      },
    })
    const { service } = await createRegistry({ mirrors: [watched] })
    await service.getManifest(APP, tagged('v1'))
    await service.getManifest(APP, byDigest(image.digest))
    await new Promise(setImmediate)
    assert.deepEqual(asked.toSorted(), names)
  })

  const reader = (blob: RegistryReader['blob']): Pick<RegistryReader, 'blob'> => ({ blob })

  it('is looked up all at once, however slow the mirror', () => {
    let open = 0
    new Foresight().look(
      reader((_, __, { signal } = {}) => {
        open++
        return never(signal)
      }),
      APP,
      image.bytes,
    )
    assert.equal(open, names.length)
  })

  it('is not looked up for more than a few manifests at a time', () => {
    let open = 0
    const slow = reader((_, __, { signal } = {}) => {
      open++
      return never(signal)
    })
    const foresight = new Foresight()
    for (let i = 0; i < 100; i++) foresight.look(slow, APP, image.bytes)
    assert.equal(open, 8 * names.length)
  })

  it('makes room for other manifests when it fails, and nothing is thrown', async () => {
    let asked = 0
    const failing = reader(async () => {
      asked++
      throw new Error('no route')
    })
    const foresight = new Foresight()
    for (let i = 0; i < 20; i++) {
      foresight.look(failing, APP, image.bytes)
      await new Promise(setImmediate)
    }
    assert.equal(asked, 20 * names.length)
  })

  it('is left alone when the registry stops', async () => {
    const signals: (AbortSignal | undefined)[] = []
    const slow = reader((_, __, { signal } = {}) => {
      signals.push(signal)
      return never(signal)
    })
    const foresight = new Foresight()
    foresight.look(slow, APP, image.bytes)
    foresight.stop()
    foresight.look(slow, APP, image.bytes)
    assert.equal(signals.length, names.length)
    assert.ok(signals.every((signal) => signal?.aborted))
  })

  it('is nothing when the document is no manifest', () => {
    new Foresight().look(
      reader(() => assert.fail('there is nothing to look up')),
      APP,
      Buffer.from('{'),
    )
  })
})
