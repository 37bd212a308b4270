import assert from 'node:assert/strict'
import { descriptorOf, indexOf, piece, randomImage } from '../../support/random-image.ts'
import { APP } from '../../support/registry-setup.ts'
import { LAYER, jsonAndTar } from './disguise.ts'
import { gated, signer } from './gated.ts'
import { OTHER_DIGEST, Signer, claim, signatureManifest, signatureTag, statement } from './forge.ts'
import type { RandomManifest } from '../../support/random-image.ts'
import type { SignedLayer } from './forge.ts'

const stranger = new Signer()

const manifestOf = (layers: readonly SignedLayer[], config?: SignedLayer): RandomManifest => {
  const made = signatureManifest(layers)
  if (config === undefined) return made
  const body = { ...JSON.parse(Buffer.from(made.bytes).toString()), config: descriptorOf(config) }
  const changed = piece(Buffer.from(JSON.stringify(body)), made.mediaType)
  return { ...changed, blobs: [config, ...layers], subject: undefined }
}

const sbom = piece(Buffer.from('{"spdxVersion":"SPDX-2.3"}'), 'application/spdx+json')

for (const where of ['a repository', 'a mirror'] as const)
  describe(`${where} of which only what is signed is given out`, () => {
    const types = [
      'application/spdx+json',
      'application/vnd.in-toto+json',
      'application/vnd.dev.cosign.simplesigning.v1+json',
      'application/vnd.dev.sigstore.bundle.v0.3+json',
      'application/vnd.cyclonedx',
      'application/vnd.cyclonedx+xml',
      'text/spdx',
      'application/cose',
    ]
    for (const type of types)
      it(`has no image that calls its layers ${type}`, async () => {
        const { put, refuses } = await gated(where)
        for (const content of [LAYER, jsonAndTar()]) {
          const lying = manifestOf([piece(content, type)])
          await put(lying, 'latest')
          await put(lying, signatureTag(OTHER_DIGEST))
          for (const reference of ['latest', lying.digest, signatureTag(OTHER_DIGEST)])
            await refuses(reference)
        }
      })

    it('has no image with a layer beside the documents, or in place of the configuration', async () => {
      const { put, refuses } = await gated(where)
      const hidden = piece(LAYER, 'application/spdx+json')
      for (const lying of [
        manifestOf([sbom, hidden]),
        manifestOf([hidden, sbom]),
        manifestOf([sbom], piece(LAYER, 'application/vnd.oci.image.config.v1+json')),
      ]) {
        await put(lying, signatureTag(OTHER_DIGEST))
        for (const reference of [lying.digest, signatureTag(OTHER_DIGEST)]) await refuses(reference)
      }
    })

    it('has documents by digest and under the tags of cosign, and under no other', async () => {
      const { put, refuses, gives } = await gated(where)
      const documents = manifestOf([sbom])
      const key = OTHER_DIGEST.replace(':', '-')
      const tags = ['sig', 'att', 'sbom'].map((each) => `${key}.${each}`)
      const others = [
        'latest',
        key,
        `${key}.txt`,
        `${key}.sigs`,
        `x-${key}.sig`,
        `${key.slice(1)}.sig`,
      ]
      for (const tag of [...tags, ...others]) await put(documents, tag)
      for (const tag of others) await refuses(tag)
      for (const reference of [documents.digest, ...tags])
        assert.equal((await gives(reference)).digest, documents.digest)
      for (const tag of others) await refuses(tag)
    })

    it('has documents under any tag when they are signed', async () => {
      const { put, gives } = await gated(where)
      const documents = manifestOf([sbom])
      await put(documents, 'v1')
      await put(signatureManifest([signer.bundle(statement(documents.digest))], documents))
      assert.equal((await gives('v1')).digest, documents.digest)
    })

    it('does not take for documents what is not all here', async () => {
      const { put, refuses, gives, to } = await gated(where)
      const documents = manifestOf([sbom])
      await put({ ...documents, blobs: [] })
      await refuses(documents.digest)
      await put(documents)
      if (where === 'a repository') await gives(documents.digest)
      assert.ok(await to.reader().blob(APP, sbom.digest))
    })

    it('has no list of referrers that brings manifests along, or says where else they are', async () => {
      const { put, refuses, gives } = await gated(where)
      const evil = randomImage()
      await put(evil)
      const key = OTHER_DIGEST.replace(':', '-')
      const referrer = { ...descriptorOf(evil), artifactType: 'a/b', annotations: { a: 'b' } }
      const listOf = (entry: object) => indexOf([], { manifests: [entry] })
      const honest = listOf(referrer)
      await put(honest, key)
      assert.equal((await gives(key)).digest, honest.digest)
      for (const more of [
        { data: Buffer.from(evil.bytes).toString('base64') },
        { urls: ['https://evil.example/manifest'] },
      ]) {
        await put(listOf({ ...referrer, ...more }), key)
        await refuses(key)
      }
      await refuses(evil.digest)
    })

    it('has what others signed, for those who verify', async () => {
      const { put, gives } = await gated(where)
      const image = randomImage()
      for (const each of [
        signatureManifest([stranger.payload(claim(image.digest))]),
        signatureManifest([stranger.bundle(statement(image.digest))], image),
      ]) {
        await put(each)
        assert.equal((await gives(each.digest)).digest, each.digest)
      }
    })
  })
