import assert from 'node:assert/strict'
import { parseTag } from '../../../src/oci/name.ts'
import { SignatureGate } from '../../../src/registry/signatures/gate.ts'
import { SignedBook } from '../../../src/registry/signatures/signed-book.ts'
import { MemoryMap } from '../../support/memory-map.ts'
import { MemoryRegistry } from '../../support/memory-ports.ts'
import { descriptorOf, indexOf, piece, randomImage, store } from '../../support/random-image.ts'
import { APP, byDigest, createRegistry, tagged } from '../../support/registry-setup.ts'
import { Signer, claim, signatureManifest, signatureTag, statement } from './forge.ts'
import { fill, fixture, keys } from './fixture.ts'
import type { RandomManifest } from '../../support/random-image.ts'
import type { MirrorSource } from '../../../src/registry/mirror.ts'

const UNKNOWN = { code: 'MANIFEST_UNKNOWN' }
const signer = new Signer()

/** A registry that reads through `m`, of which only what the signer signed is taken, and then through `other`. */
async function setUp({ map = new MemoryMap(), by = signer.keys } = {}) {
  const [m, other] = [new MemoryRegistry('m'), new MemoryRegistry('other')]
  const moved: (() => void)[] = []
  const gate = new SignatureGate(by, await SignedBook.open(map, new Set([by.id])))
  const mirror: MirrorSource = {
    name: 'm',
    reader: () => m.reader(),
    signedBy: gate,
    onMoved: (listener) => void moved.push(listener),
  }
  const world = await createRegistry({ mirrors: [mirror, other] })
  const put = (manifest: RandomManifest, tag?: string, registry = m) =>
    store(
      { writer: registry, content: registry.content },
      APP,
      manifest,
      tag === undefined ? undefined : parseTag(tag),
    )
  const sign = async (manifest: RandomManifest): Promise<void> => {
    await put(signatureManifest([signer.bundle(statement(manifest.digest))], manifest))
    for (const listener of moved) listener()
  }
  return { ...world, m, other, put, sign, map }
}

describe('a mirror with signedBy', () => {
  it('has what is signed, by tag and by digest, with its blobs', async () => {
    const { service, put, sign } = await setUp()
    const image = randomImage()
    await put(image, 'v1')
    await sign(image)
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, image.digest)
    assert.equal((await service.getManifest(APP, byDigest(image.digest))).digest, image.digest)
    assert.equal((await service.getBlob(APP, image.blobs[0]!.digest)).size, image.blobs[0]!.size)
  })

  it('does not have what is not signed, says so once, and the next mirror is asked', async () => {
    const { service, put, other, errors } = await setUp()
    const [mine, theirs] = [randomImage(), randomImage()]
    await put(mine, 'v1')
    await assert.rejects(service.getManifest(APP, byDigest(mine.digest)), UNKNOWN)
    await assert.rejects(service.getManifest(APP, tagged('v1')), UNKNOWN)
    assert.equal(errors.length, 1)
    assert.match(
      String(errors[0]?.error),
      /mirror m: team\/app@sha256:\w+ is not signed by a key of its signedBy/,
    )
    await put(theirs, 'v1', other)
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, theirs.digest)
  })

  it('does not have what somebody else signed', async () => {
    const { service, put } = await setUp()
    const image = randomImage()
    await put(image, 'v1')
    await put(signatureManifest([new Signer().bundle(statement(image.digest))], image))
    await assert.rejects(service.getManifest(APP, tagged('v1')), UNKNOWN)
  })

  it('has it as soon as a root with a signature serves, and else looks again after a minute', async () => {
    const { service, put, sign, clock } = await setUp()
    const [soon, later] = [randomImage(), randomImage()]
    await put(soon, 'soon')
    await put(later, 'later')
    for (const tag of ['soon', 'later'])
      await assert.rejects(service.getManifest(APP, tagged(tag)), UNKNOWN)
    await sign(soon)
    assert.equal((await service.getManifest(APP, tagged('soon'))).digest, soon.digest)
    await assert.rejects(service.getManifest(APP, tagged('later')), UNKNOWN)
    const bundle = signer.bundle(statement(later.digest))
    await put(signatureManifest([bundle], later))
    await assert.rejects(service.getManifest(APP, tagged('later')), UNKNOWN)
    clock.advance(61_000)
    assert.equal((await service.getManifest(APP, tagged('later'))).digest, later.digest)
  })

  it('has the images of a signed index, also after a restart, and an index in it; not others', async () => {
    const [child, deep, stray] = [randomImage(), randomImage(), randomImage()]
    const inner = indexOf([deep])
    const index = indexOf([child, inner])
    const { service, put, sign, map } = await setUp()
    for (const each of [child, deep, stray, inner]) await put(each)
    await put(index, 'v1')
    await sign(index)
    await assert.rejects(service.getManifest(APP, byDigest(child.digest)), UNKNOWN)
    await service.getManifest(APP, tagged('v1'))
    // What a child is part of is known now, so it passes, though it was refused a moment ago.
    for (const each of [child, inner, deep])
      assert.equal((await service.getManifest(APP, byDigest(each.digest))).digest, each.digest)
    await assert.rejects(service.getManifest(APP, byDigest(stray.digest)), UNKNOWN)

    const again = await setUp({ map })
    for (const each of [child, deep]) await again.put(each)
    assert.equal((await again.service.getManifest(APP, byDigest(deep.digest))).digest, deep.digest)
  })

  it('gives out signatures and bills of materials themselves, so that clients can verify', async () => {
    const { service, put } = await setUp()
    const image = randomImage()
    await put(image, 'v1')
    const old = signatureManifest([new Signer().payload(claim(image.digest))])
    await put(old, signatureTag(image.digest))
    const bundle = signatureManifest([new Signer().bundle(statement(image.digest))], image)
    await put(bundle)
    assert.equal(
      (await service.getManifest(APP, tagged(signatureTag(image.digest)))).digest,
      old.digest,
    )
    const { manifests } = await service.listReferrers(APP, image.digest)
    assert.deepEqual(
      manifests.map(({ digest }) => digest),
      [bundle.digest],
    )
    assert.equal((await service.getBlob(APP, bundle.blobs[1]!.digest)).size, bundle.blobs[1]!.size)
  })

  it('lists referrers under their fallback tag, which lets nothing else through', async () => {
    const { service, put, sign } = await setUp()
    const [image, evil] = [randomImage(), randomImage()]
    await put(image, 'v1')
    await sign(image)
    const bundle = signatureManifest([new Signer().bundle(statement(image.digest))])
    await put(bundle)
    await put(evil)
    const fallback = image.digest.replace(':', '-')
    const list = indexOf([bundle, evil])
    await put(list, fallback)
    assert.equal((await service.getManifest(APP, tagged(fallback))).digest, list.digest)
    await assert.rejects(service.getManifest(APP, byDigest(list.digest)), UNKNOWN)
    await assert.rejects(service.getManifest(APP, byDigest(evil.digest)), UNKNOWN)
    await put(evil, fallback)
    await assert.rejects(service.getManifest(APP, tagged(fallback)), UNKNOWN)
  })

  it('has no image that only calls itself a referrer, or puts on a signature', async () => {
    const { service, put, sign } = await setUp()
    const image = randomImage()
    await put(image, 'v1')
    await sign(image)
    await service.getManifest(APP, tagged('v1'))
    const evil = randomImage({ subject: image })
    const masked = randomImage({
      extra: { artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json' },
    })
    const signature = signer.payload(claim(image.digest))
    const worn = randomImage({
      extra: {
        layers: [
          descriptorOf(signature),
          descriptorOf(piece(Buffer.from('evil'), 'application/vnd.oci.image.layer.v1.tar')),
        ],
      },
    })
    for (const each of [evil, masked, worn]) {
      await put(each, 'v2')
      await assert.rejects(service.getManifest(APP, tagged('v2')), UNKNOWN)
      await assert.rejects(service.getManifest(APP, byDigest(each.digest)), UNKNOWN)
    }
  })

  it('does not give an unsigned manifest as a blob either, however it is linked', async () => {
    const { service, m, put } = await setUp()
    const image = randomImage()
    await put(image)
    await assert.rejects(service.getBlob(APP, image.digest), { code: 'BLOB_UNKNOWN' })
    const stored = await m.content.write(image.bytes, image.digest)
    await m.transact((tx) => tx.linkBlob(APP, stored))
    await assert.rejects(service.getBlob(APP, image.digest), { code: 'BLOB_UNKNOWN' })
  })

  it('gives nothing unsigned to a push that wants to adopt it', async () => {
    const { service, put, own } = await setUp()
    const [child, signedChild] = [randomImage(), randomImage()]
    await put(child)
    await put(signedChild)
    const bundle = signer.bundle(statement(signedChild.digest))
    await put(signatureManifest([bundle], signedChild))
    const push = (index: RandomManifest) =>
      service.putManifest(APP, tagged('v1'), index.bytes, index.mediaType)
    await assert.rejects(push(indexOf([child])), { code: 'MANIFEST_BLOB_UNKNOWN' })
    await push(indexOf([signedChild]))
    assert.ok(await own.reader().manifest(APP, signedChild.digest))
  })

  it('takes what was once signed from memory when the signature is gone, and another node does not', async () => {
    const { service, put, sign, m } = await setUp()
    const image = randomImage()
    await put(image, 'v1')
    await sign(image)
    await service.getManifest(APP, tagged('v1'))
    const [signature] = await m.reader().referrers(APP, image.digest)
    assert.ok(signature)
    await m.transact((tx) => tx.removeManifest(APP, signature))
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, image.digest)
    const fresh = await setUp()
    await fresh.put(image, 'v1')
    await assert.rejects(fresh.service.getManifest(APP, tagged('v1')), UNKNOWN)
    await fresh.sign(image) // signed anew
    assert.equal((await fresh.service.getManifest(APP, tagged('v1'))).digest, image.digest)
  })

  it('takes an older image that is signed, under any tag: that is beyond signatures', async () => {
    const { service, put, sign } = await setUp()
    const [older, newer] = [randomImage(), randomImage()]
    for (const each of [older, newer]) {
      await put(each, 'v1')
      await sign(each)
    }
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, newer.digest)
    await put(older, 'v1')
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, older.digest)
  })

  for (const file of ['ecdsa-bundle', 'ecdsa-tag', 'ecdsa-referrer', 'ecdsa-index', 'rsa-bundle']) {
    it(`takes what the real cosign made: ${file}`, async () => {
      const made = await fixture(file)
      const { service, m } = await setUp({ by: await keys('ecdsa', 'rsa') })
      const digest = await fill(m, made)
      assert.equal((await service.getManifest(APP, tagged('v1'))).digest, digest)
      const stranger = await setUp({ by: await keys('stranger') })
      await fill(stranger.m, made)
      await assert.rejects(stranger.service.getManifest(APP, tagged('v1')), UNKNOWN)
    })
  }

  it('reads as far as the deadline lets it: a signature that could not be read is not missing for long', async () => {
    const { service, put, sign, m, errors } = await setUp()
    const image = randomImage()
    await put(image, 'v1')
    await sign(image)
    const { bytes } = m.content
    const kept = new Map(bytes)
    const [signature] = await m.reader().referrers(APP, image.digest)
    assert.ok(signature)
    bytes.delete(`memory:${signature}`)
    await assert.rejects(service.getManifest(APP, tagged('v1')), UNKNOWN)
    assert.match(String(errors[0]?.error), /is missing/)
    for (const [id, each] of kept) bytes.set(id, each)
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, image.digest)
  })
})
