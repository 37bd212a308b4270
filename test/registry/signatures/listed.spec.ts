import assert from 'node:assert/strict'
import { piece, randomImage } from '../../support/random-image.ts'
import { APP } from '../../support/registry-setup.ts'
import { Signer, signatureManifest, statement } from './forge.ts'
import { gated, signer } from './gated.ts'
import type { RandomManifest } from '../../support/random-image.ts'

const SBOM = piece(Buffer.from('{"spdxVersion":"SPDX-2.3"}'), 'application/spdx+json')

for (const where of ['a repository', 'a mirror'] as const)
  describe(`the referrers of ${where} of which only what is signed is given out`, () => {
    async function setUp() {
      const world = await gated(where)
      const image = randomImage()
      await world.put(image, 'v1')
      const listed = async () => {
        const { manifests } = await world.service.listReferrers(APP, image.digest)
        return manifests.map(({ digest }) => digest).toSorted()
      }
      const digests = (...all: RandomManifest[]) => all.map(({ digest }) => digest).toSorted()
      return { ...world, image, listed, digests }
    }

    it('are listed when they pass: documents, and what is signed', async () => {
      const { put, gives, image, listed, digests } = await setUp()
      const documents = [
        signatureManifest([new Signer().bundle(statement(image.digest))], image),
        signatureManifest([SBOM], image),
      ]
      const signed = randomImage({ subject: image, extra: { artifactType: 'a/b' } })
      for (const each of [...documents, signed]) await put(each)
      await put(signatureManifest([signer.bundle(statement(signed.digest))], signed))
      assert.deepEqual(await listed(), digests(...documents, signed))
      for (const digest of await listed()) await gives(digest)
    })

    it('are not listed when they are refused, so that who copies all of them does not fail', async () => {
      const { put, refuses, image, listed } = await setUp()
      const unsigned = randomImage({ subject: image, extra: { artifactType: 'a/b' } })
      await put(unsigned)
      assert.deepEqual(await listed(), [])
      await refuses(unsigned.digest)
    })

    it('are listed without a look at what is in them, which may be large', async () => {
      const { put, refuses, image, listed, digests } = await setUp()
      const empty = { ...signatureManifest([SBOM], image), blobs: [] }
      await put(empty)
      assert.deepEqual(await listed(), digests(empty))
      await refuses(empty.digest)
    })
  })

describe('a list of referrers under a rule of signatures', () => {
  it('costs as much as a look for the signature of one image', async () => {
    const { put, service, to } = await gated('a repository')
    const [image, stranger] = [randomImage(), new Signer()]
    await put(image)
    for (let n = 0; n < 20; n++) {
      const unsigned = randomImage({ layers: [], subject: image })
      await put(unsigned)
      for (let m = 0; m < 10; m++) {
        const claim = { ...statement(unsigned.digest), m }
        await put(signatureManifest([stranger.bundle(claim)], unsigned))
      }
    }
    let manifests = 0
    const reader = to.reader.bind(to)
    to.reader = () =>
      new Proxy(reader(), {
        get(target, key) {
          const value: unknown = Reflect.get(target, key)
          if (key === 'manifest') manifests++
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      })
    assert.deepEqual((await service.listReferrers(APP, image.digest)).manifests, [])
    assert.equal(manifests, 20 + 128)
  })
})
