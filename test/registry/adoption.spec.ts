import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { missing, put } from '../support/manifest-push.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { collect, indexOf, randomImage, store } from '../support/random-image.ts'
import {
  APP,
  BLOB_LIMIT,
  createRegistry,
  lying,
  pushBlobs,
  tagged,
  twisted,
} from '../support/registry-setup.ts'
import type { Content } from '../../src/registry/ports.ts'
import type { RandomManifest } from '../support/random-image.ts'

describe('pushing a manifest whose content only a mirror has', () => {
  const setup = async (twist: Parameters<typeof twisted>[1] = {}) => {
    const mirror = new MemoryRegistry('m')
    const registry = await createRegistry({ mirrors: [twisted(mirror, twist)] })
    const fill = (image: RandomManifest) =>
      store({ writer: mirror, content: mirror.content }, APP, image)
    return { ...registry, mirror, fill }
  }

  it('adopts its blobs, so that it needs the mirror no more', async () => {
    const { service, own, fill } = await setup()
    const image = randomImage({ layers: [20_000, 5] })
    await fill(image)
    await put(service, image)
    const reader = own.reader()
    for (const { digest, bytes } of image.blobs) {
      const blob = (await reader.blob(APP, digest)) ?? assert.fail()
      assert.deepEqual(await collect(blob.open()), Uint8Array.from(bytes))
    }
  })

  it('adopts only what it lacks, and in one change', async () => {
    const { service, own, fill } = await setup()
    const image = randomImage()
    await fill(image)
    await pushBlobs(service, image.blobs.slice(0, 1))
    const before = own.commits
    await put(service, image)
    assert.equal(own.commits, before + 1)
  })

  it('adopts what is deleted here between the look-up and the commit', async () => {
    const mirror = new MemoryRegistry('m')
    const image = randomImage()
    let sabotage = false
    const { service, own } = await createRegistry({
      mirrors: [mirror],
      writer: (registry) => ({
        async transact(edit, options) {
          if (sabotage) await registry.transact((tx) => tx.removeBlob(APP, image.blobs[0]!.digest))
          sabotage = false
          return registry.transact(edit, options)
        },
      }),
    })
    await store({ writer: mirror, content: mirror.content }, APP, image)
    await pushBlobs(service, image.blobs)
    sabotage = true
    await put(service, image)
    assert.ok(await own.reader().blob(APP, image.blobs[0]!.digest))
  })

  it('adopts the manifests of an index, with all that is in them', async () => {
    const { service, own, fill } = await setup()
    const images = [randomImage(), randomImage({ subject: randomImage() })]
    const inner = indexOf(images)
    for (const each of [...images, inner]) await fill(each)
    await put(service, indexOf([inner, images[0]!]))
    const reader = own.reader()
    assert.ok(await reader.manifest(APP, inner.digest))
    for (const image of images) {
      assert.ok(await reader.manifest(APP, image.digest))
      for (const { digest } of image.blobs) assert.ok(await reader.blob(APP, digest))
    }
    assert.deepEqual(await reader.referrers(APP, images[1]!.subject!), [images[1]!.digest])
  })

  it('says everything that is missing of an index that the mirror has only in part', async () => {
    const { service, mirror, own, fill } = await setup()
    const image = randomImage()
    await fill(image)
    await mirror.transact((tx) => tx.removeBlob(APP, image.blobs[1]!.digest))
    await assert.rejects(put(service, indexOf([image])), missing(image.blobs[1]!.digest))
    assert.equal(own.commits, 0)
  })

  it('follows indexes in indexes only so far', async () => {
    const { service, fill } = await setup()
    let deepest = indexOf([])
    for (let i = 0; i < 10; i++) {
      await fill(deepest)
      deepest = indexOf([deepest])
    }
    await assert.rejects(put(service, deepest), { code: 'MANIFEST_BLOB_UNKNOWN' })
  })

  const failures: [string, Parameters<typeof twisted>[1]][] = [
    ['is wrong', { blob: (content) => lying(content, randomBytes(content.size)) }],
    ['cannot be read', { blob: (content) => ({ ...content, id: 'x', open: () => broken() }) }],
    ['claims another size', { blob: (content) => ({ ...content, size: content.size + 1 }) }],
    ['claims to be huge', { blob: (content) => ({ ...content, size: BLOB_LIMIT + 1 }) }],
  ]
  for (const [what, twist] of failures) {
    it(`is refused when the mirror's blob ${what}, and the client finds it missing and uploads it`, async () => {
      const { service, fill, clock } = await setup(twist)
      const image = randomImage({ layers: [] })
      const { digest } = image.blobs[0]!
      await fill(image)
      await assert.rejects(put(service, image), missing(digest))
      await assert.rejects(service.getBlob(APP, digest), { code: 'BLOB_UNKNOWN' })
      await pushBlobs(service, image.blobs)
      await put(service, image)
      clock.advance(3_600_000)
      assert.equal((await service.getBlob(APP, digest)).size, image.blobs[0]!.size)
    })
  }

  it('asks the next mirror when the first was wrong', async () => {
    const [liar, honest] = [new MemoryRegistry('liar'), new MemoryRegistry('honest')]
    const blob = (content: Content) => lying(content, randomBytes(content.size))
    const { service } = await createRegistry({ mirrors: [twisted(liar, { blob }), honest] })
    const image = randomImage()
    for (const each of [liar, honest])
      await store({ writer: each, content: each.content }, APP, image)
    await put(service, image)
  })

  it('tries the mirror again after a while', async () => {
    let isBroken = true
    const { service, fill, clock } = await setup({
      blob: (content) => (isBroken ? { ...content, open: () => broken() } : content),
    })
    const image = randomImage()
    await fill(image)
    await assert.rejects(put(service, image), { code: 'MANIFEST_BLOB_UNKNOWN' })
    isBroken = false
    await assert.rejects(put(service, image), { code: 'MANIFEST_BLOB_UNKNOWN' })
    clock.advance(15 * 60_000)
    await put(service, image)
  })

  it('throws what our own store throws, for the mirror is not to blame', async () => {
    const { service, own, fill } = await setup()
    const image = randomImage()
    await fill(image)
    own.content.write = () => Promise.reject(new Error('ENOSPC'))
    await assert.rejects(put(service, image), /ENOSPC/)
    assert.ok(await service.getBlob(APP, image.blobs[0]!.digest), 'nothing is set aside')
  })

  it('copies a blob once for two pushes that need it at the same time', async () => {
    let opens = 0
    const { service, fill } = await setup({
      blob: (content) => ({
        ...content,
        open: (options) => {
          opens++
          return content.open(options)
        },
      }),
    })
    const image = randomImage({ layers: [] })
    await fill(image)
    await Promise.all(['a', 'b', 'c'].map((tag) => put(service, image, tagged(tag))))
    assert.equal(opens, 1)
  })

  it('on a sparse registry takes what can be had', async () => {
    const mirror = new MemoryRegistry('m')
    const { service, own } = await createRegistry({
      mirrors: [mirror],
      options: { validation: 'sparse' },
    })
    const image = randomImage()
    await store({ writer: mirror, content: mirror.content }, APP, image)
    await mirror.transact((tx) => tx.removeBlob(APP, image.blobs[1]!.digest))
    await put(service, image)
    assert.ok(await own.reader().blob(APP, image.blobs[0]!.digest))
  })
})

async function* broken(): AsyncGenerator<Uint8Array> {
  yield* []
  throw new Error('the peer is gone')
}
