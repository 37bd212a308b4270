import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { digestOf } from '../../src/oci/digest.ts'
import { DOCKER_MANIFEST } from '../../src/oci/media-type.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { missing, put } from '../support/manifest-push.ts'
import { descriptorOf, indexOf, jsonPiece, piece, randomImage } from '../support/random-image.ts'
import { APP, byDigest, createRegistry, pushBlobs, tagged } from '../support/registry-setup.ts'

describe('pushing a manifest', () => {
  it('makes it a revision, tags it, and keeps its bytes and type', async () => {
    const { service } = await createRegistry()
    const image = randomImage()
    await pushBlobs(service, image.blobs)
    assert.deepEqual(await put(service, image), { digest: image.digest, subject: undefined })
    for (const reference of [tagged('v1'), byDigest(image.digest)]) {
      const manifest = await service.getManifest(APP, reference)
      assert.deepEqual(Uint8Array.from(manifest.bytes), Uint8Array.from(image.bytes))
      assert.deepEqual([manifest.digest, manifest.mediaType], [image.digest, image.mediaType])
    }
  })

  it('by digest sets no tag but those asked for, all in one change', async () => {
    const { service, own } = await createRegistry()
    const image = randomImage()
    await pushBlobs(service, image.blobs)
    const before = own.commits
    const tags = ['a', 'b', 'a'].map(parseTag)
    await service.putManifest(APP, byDigest(image.digest), image.bytes, image.mediaType, { tags })
    assert.equal(own.commits, before + 1)
    assert.deepEqual((await service.listTags(APP, {})).names, ['a', 'b'])
  })

  it('by sha512 keeps it under sha512', async () => {
    const { service } = await createRegistry()
    const image = randomImage()
    await pushBlobs(service, image.blobs)
    const digest = digestOf(image.bytes, 'sha512')
    assert.equal((await put(service, image, byDigest(digest))).digest, digest)
    assert.equal((await service.getManifest(APP, byDigest(digest))).digest, digest)
    await assert.rejects(service.getManifest(APP, byDigest(image.digest)), {
      code: 'MANIFEST_UNKNOWN',
    })
  })

  it('by sha512 with tags is pulled, referred to and deleted by that digest', async () => {
    const { service } = await createRegistry()
    const image = randomImage()
    await pushBlobs(service, image.blobs)
    const digest = digestOf(image.bytes, 'sha512')
    const tags = ['a', 'b'].map(parseTag)
    await service.putManifest(APP, byDigest(digest), image.bytes, image.mediaType, { tags })
    for (const tag of tags)
      assert.equal((await service.getManifest(APP, tagged(tag))).digest, digest)
    const signature = randomImage({ subject: { ...image, digest } })
    await pushBlobs(service, signature.blobs)
    assert.equal((await put(service, signature, tagged('sig'))).subject, digest)
    const { manifests } = await service.listReferrers(APP, digest)
    assert.deepEqual(
      manifests.map((each) => each.digest),
      [signature.digest],
    )
    assert.deepEqual((await service.listReferrers(APP, image.digest)).manifests, [])
    await service.deleteManifest(APP, byDigest(digest))
    assert.deepEqual((await service.listTags(APP, {})).names, ['sig'])
  })

  it('by another digest is refused (B26)', async () => {
    const { service } = await createRegistry()
    const image = randomImage()
    await pushBlobs(service, image.blobs)
    await assert.rejects(put(service, image, byDigest(digestOf(randomBytes(4)))), {
      code: 'DIGEST_INVALID',
    })
  })

  it('under another type is refused, also the second time (B20, B22)', async () => {
    const { service } = await createRegistry()
    const image = randomImage()
    await pushBlobs(service, image.blobs)
    await put(service, image)
    for (const type of [DOCKER_MANIFEST, undefined]) {
      await assert.rejects(service.putManifest(APP, tagged('v2'), image.bytes, type), {
        code: 'MANIFEST_INVALID',
      })
    }
    assert.equal((await service.getManifest(APP, tagged('v1'))).mediaType, image.mediaType)
  })

  it('without its blobs is refused, says which, and changes nothing (B23)', async () => {
    const { service, own } = await createRegistry()
    const image = randomImage()
    await pushBlobs(service, image.blobs.slice(0, 1))
    const before = own.commits
    await assert.rejects(
      put(service, image),
      missing(...image.blobs.slice(1).map(({ digest }) => digest)),
    )
    assert.equal(own.commits, before)
    await assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
  })

  it('whose blobs are only in another repository is refused', async () => {
    const { service } = await createRegistry()
    const image = randomImage()
    await pushBlobs(service, image.blobs, parseName('team/other'))
    await assert.rejects(put(service, image), missing(...image.blobs.map(({ digest }) => digest)))
  })

  it('whose descriptor has another size than the blob is refused (B24)', async () => {
    const { service } = await createRegistry()
    const image = randomImage()
    await pushBlobs(service, image.blobs)
    const layer = { ...descriptorOf(image.blobs[1]!), size: image.blobs[1]!.size + 1 }
    const config = descriptorOf(image.blobs[0]!)
    const body = { schemaVersion: 2, mediaType: image.mediaType, config }
    for (const layers of [[layer], [descriptorOf(image.blobs[1]!), layer]]) {
      const wrong = {
        ...jsonPiece({ ...body, layers }, image.mediaType),
        blobs: [],
        subject: undefined,
      }
      await assert.rejects(put(service, wrong), { code: 'MANIFEST_INVALID' })
    }
    const child = indexOf([{ ...image, size: image.size + 1 }])
    await put(service, image)
    await assert.rejects(put(service, child, tagged('index')), { code: 'MANIFEST_INVALID' })
  })

  it('with foreign layers takes them as they are, and fetches nothing (B27)', async () => {
    const { service } = await createRegistry()
    const foreign = {
      ...descriptorOf(
        piece(randomBytes(9), 'application/vnd.oci.image.layer.nondistributable.v1.tar'),
      ),
      urls: ['http://169.254.169.254/'],
    }
    const image = randomImage({ layers: [], extra: { layers: [foreign] } })
    await pushBlobs(service, image.blobs)
    await put(service, image)
  })

  it('accepts a subject that is not there, and lists the referrer (B25)', async () => {
    const { service } = await createRegistry()
    const subject = randomImage()
    const referrer = randomImage({ subject })
    await pushBlobs(service, referrer.blobs)
    assert.equal((await put(service, referrer, byDigest(referrer.digest))).subject, subject.digest)
    const list = await service.listReferrers(APP, subject.digest)
    assert.deepEqual(
      list.manifests.map(({ digest }) => digest),
      [referrer.digest],
    )
  })

  it('accepts an index of manifests and of indexes, empty ones, and refuses what is not there', async () => {
    const { service } = await createRegistry()
    const image = randomImage()
    await pushBlobs(service, image.blobs)
    await put(service, image, byDigest(image.digest))
    const inner = indexOf([image])
    const outer = indexOf([inner, image])
    await assert.rejects(put(service, outer), missing(inner.digest))
    await put(service, inner, byDigest(inner.digest))
    await put(service, outer)
    await put(service, indexOf([]), tagged('empty'))
  })

  it('accepts an index of blobs, as old build caches are', async () => {
    const { service } = await createRegistry()
    const layer = piece(randomBytes(20), 'application/vnd.oci.image.layer.v1.tar+gzip')
    const cache = indexOf([layer])
    await assert.rejects(put(service, cache), missing(layer.digest))
    await pushBlobs(service, [layer])
    await put(service, cache)
  })

  it('on a sparse registry may lack blobs and children, but not lie about sizes', async () => {
    const { service } = await createRegistry({ options: { validation: 'sparse' } })
    const image = randomImage()
    await put(service, image)
    await put(service, indexOf([image, randomImage()]), tagged('index'))
    await pushBlobs(service, image.blobs)
    await put(service, image, tagged('again'))
    await assert.rejects(put(service, indexOf([{ ...image, size: 1 }])), {
      code: 'MANIFEST_INVALID',
    })
  })

  it('on a read-only node is UNSUPPORTED', async () => {
    const { service } = await createRegistry({ options: { readOnly: true } })
    await assert.rejects(put(service, randomImage()), { code: 'UNSUPPORTED', status: 405 })
    await assert.rejects(service.mountBlob(APP, randomImage().digest, APP), { code: 'UNSUPPORTED' })
    await assert.rejects(service.uploads.create(APP), { code: 'UNSUPPORTED' })
    await assert.rejects(service.deleteManifest(APP, tagged('v1')), { code: 'UNSUPPORTED' })
    await assert.rejects(service.deleteBlob(APP, randomImage().digest), { code: 'UNSUPPORTED' })
  })

  it('sees a blob that is deleted between the look-up and the commit', async () => {
    const image = randomImage()
    const { digest } = image.blobs[0]!
    let sabotage = false
    const { service } = await createRegistry({
      writer: (own) => ({
        async transact(edit, options) {
          if (sabotage) {
            sabotage = false
            await own.transact((tx) => tx.removeBlob(APP, digest))
          }
          return own.transact(edit, options)
        },
      }),
    })
    await pushBlobs(service, image.blobs)
    sabotage = true
    await assert.rejects(put(service, image), missing(digest))
    await assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
  })

  it('ends when what it refers to is deleted again and again', async () => {
    const image = randomImage()
    const { content, digest } = { content: image.blobs[0]!, digest: image.blobs[0]!.digest }
    let attempts = 0
    const { service } = await createRegistry({
      writer: (own) => ({
        async transact(edit, options) {
          if (attempts === 0) return own.transact(edit, options)
          attempts++
          await own.transact((tx) => tx.removeBlob(APP, digest))
          try {
            return await own.transact(edit, options)
          } finally {
            const stored = await own.content.write(content.bytes, digest)
            await own.transact((tx) => tx.linkBlob(APP, stored))
          }
        },
      }),
    })
    await pushBlobs(service, image.blobs)
    attempts = 1
    await assert.rejects(put(service, image), {
      code: 'UNAVAILABLE',
      headers: { 'Retry-After': '1' },
    })
    assert.equal(attempts, 6)
  })
})
