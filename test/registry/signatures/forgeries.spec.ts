import assert from 'node:assert/strict'
import { parseTag } from '../../../src/oci/name.ts'
import { isSigned } from '../../../src/registry/signatures/find-signature.ts'
import { MemoryRegistry } from '../../support/memory-ports.ts'
import { indexOf, randomImage, store } from '../../support/random-image.ts'
import { APP } from '../../support/registry-setup.ts'
import {
  OTHER_DIGEST,
  Signer,
  bundleOf,
  claim,
  signatureManifest,
  signatureTag,
  statement,
} from './forge.ts'
import type { SignedLayer } from './forge.ts'

const signer = new Signer()
const stranger = new Signer()
const image = randomImage()
const { digest } = image
const good = claim(digest)
const stated = statement(digest)

/** Whether the image is signed in a registry where these lie under its tag, and these refer to it. */
async function signed(tagged: readonly SignedLayer[], referring: readonly SignedLayer[][] = []) {
  const registry = new MemoryRegistry()
  const to = { writer: registry, content: registry.content }
  await store(to, APP, image)
  if (tagged.length > 0)
    await store(to, APP, signatureManifest(tagged), parseTag(signatureTag(digest)))
  for (const layers of referring) await store(to, APP, signatureManifest(layers, image))
  return isSigned({ reader: registry.reader(), name: APP }, image, signer.keys, {})
}

const text = (value: object): string => JSON.stringify(value)
const withCritical = (more: object): object => ({ critical: { ...good.critical, ...more } })
const signatureOf = (layer: SignedLayer): string => Object.values(layer.annotations ?? {})[0] ?? ''

describe('a signature under a tag', () => {
  it('counts when it is as cosign makes it', async () => {
    assert.ok(await signed([signer.payload(good)]))
    assert.ok(await signed([stranger.payload(good), signer.payload(good)]))
  })

  const forgeries: [what: string, layer: SignedLayer][] = [
    ['of another key', stranger.payload(good)],
    ['of another digest', signer.payload(claim(OTHER_DIGEST))],
    ['of another type', signer.payload(withCritical({ type: 'atomic container signature' }))],
    ['without a type', signer.payload({ critical: { image: good.critical['image'] } })],
    ['without an image', signer.payload(withCritical({ image: undefined }))],
    [
      'of a list of digests',
      signer.payload(withCritical({ image: { 'docker-manifest-digest': [digest] } })),
    ],
    [
      'whose payload was changed afterwards',
      signer.payload(`${text(good)} `, signatureOf(signer.payload(good))),
    ],
    [
      'in which the digest stands twice',
      signer.payload(
        text(good).replace('"image":{', `"image":{"docker-manifest-digest":"${OTHER_DIGEST}",`),
      ),
    ],
    [
      'in which everything stands twice',
      signer.payload(text(good).replace('{', '{"critical":{},')),
    ],
    ['that is not JSON', signer.payload('critical')],
    ['that is JSON and no object', signer.payload('[]')],
    ['that is nested too deeply', signer.payload(`${'['.repeat(100)}${']'.repeat(100)}`)],
    ['with an empty signature', signer.payload(good, '')],
    ['with a signature that is no base64', signer.payload(good, '!!!!')],
    ['with a signature of a megabyte', signer.payload(good, 'A'.repeat(1_000_000))],
    ['with zeros for a signature', signer.payload(good, Buffer.alloc(72).toString('base64'))],
    [
      'with the two numbers of a signature zero',
      signer.payload(good, Buffer.from('3006020100020100', 'hex').toString('base64')),
    ],
    [
      'that is larger than payloads are',
      signer.payload({ ...good, optional: { x: 'x'.repeat(300_000) } }),
    ],
  ]
  for (const [what, layer] of forgeries)
    it(`does not count ${what}`, async () => assert.ok(!(await signed([layer]))))
})

describe('a bundle', () => {
  it('counts when it is as cosign makes it', async () => {
    assert.ok(await signed([], [[signer.bundle(stated)]]))
    assert.ok(await signed([], [[stranger.bundle(stated)], [signer.bundle(stated)]]))
    const two = [{ digest: { sha256: 'x' } }, ...(stated['subject'] as object[])]
    assert.ok(await signed([], [[signer.bundle({ ...stated, subject: two })]]))
  })

  const sig = (bundle: SignedLayer): object =>
    (JSON.parse(Buffer.from(bundle.bytes).toString()) as { dsseEnvelope: object }).dsseEnvelope
  const forgeries: [what: string, layer: SignedLayer][] = [
    ['of another key', stranger.bundle(stated)],
    ['about another digest', signer.bundle(statement(OTHER_DIGEST))],
    ['without a subject', signer.bundle({ ...stated, subject: [] })],
    [
      'that states something else',
      signer.bundle({ ...stated, predicateType: 'https://spdx.dev/Document' }),
    ],
    ['that is no statement', signer.bundle({ ...stated, _type: 'https://example/Statement' })],
    [
      'in which the subject stands twice',
      signer.bundle(text(stated).replace('{', '{"subject":[],')),
    ],
    [
      'of another payload type than was signed',
      signer.bundle(stated, { payloadType: 'text/plain' }),
    ],
    [
      'whose payload was changed afterwards',
      signer.bundle(statement(OTHER_DIGEST), {
        payload: Buffer.from(text(stated)).toString('base64'),
      }),
    ],
    ['without signatures', signer.bundle(stated, { signatures: [] })],
    ['whose signatures are no list', signer.bundle(stated, { signatures: { 0: {} } })],
    [
      'whose good signature is the hundredth',
      signer.bundle(stated, {
        signatures: [
          ...Array.from({ length: 99 }, () => ({ sig: 'AAAA' })),
          ...(sig(signer.bundle(stated)) as { signatures: object[] }).signatures,
        ],
      }),
    ],
    [
      'of another media type inside',
      bundleOf({ mediaType: 'application/json', dsseEnvelope: sig(signer.bundle(stated)) }),
    ],
    [
      'that signs the payload as a file is signed',
      bundleOf({ messageSignature: { signature: signatureOf(signer.payload(good)) } }),
    ],
    ['without anything', bundleOf({})],
    ['that is larger than bundles are', signer.bundle(stated, { more: 'x'.repeat(300_000) })],
  ]
  for (const [what, layer] of forgeries)
    it(`does not count ${what}`, async () => assert.ok(!(await signed([], [[layer]]))))
})

describe('the search for a signature', () => {
  it('takes a bundle only as a layer of a manifest, and reads a bounded number of them', async () => {
    const junk = Array.from({ length: 400 }, (_, index) => stranger.payload({ index }))
    assert.ok(!(await signed([...junk, signer.payload(good)])))
    assert.ok(await signed([...junk.slice(0, 100), signer.payload(good)]))
  })

  it('reads a bounded number of bytes', async () => {
    const large = (by: Signer, index: number) =>
      by.payload({ ...good, optional: { index, x: 'x'.repeat(200_000) } })
    const junk = (count: number) =>
      Array.from({ length: count }, (_, index) => large(stranger, index))
    assert.ok(await signed([...junk(20), large(signer, 0)]))
    assert.ok(!(await signed([...junk(100), large(signer, 0)])))
  })

  it('looks at a bounded number of referrers', async () => {
    const registry = new MemoryRegistry()
    const to = { writer: registry, content: registry.content }
    await store(to, APP, image)
    for (let index = 0; index < 300; index++)
      await store(to, APP, randomImage({ layers: [], subject: image }))
    let manifests = 0
    const counted = new Proxy(registry.reader(), {
      get(target, key) {
        const value: unknown = Reflect.get(target, key)
        if (key === 'manifest') manifests++
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    assert.ok(!(await isSigned({ reader: counted, name: APP }, image, signer.keys, {})))
    assert.equal(manifests, 128)
  })

  it('reads signatures that a stock registry lists under the fallback tag', async () => {
    const registry = new MemoryRegistry()
    const to = { writer: registry, content: registry.content }
    await store(to, APP, image)
    const bundle = signatureManifest([signer.bundle(stated)])
    await store(to, APP, bundle)
    await store(to, APP, indexOf([bundle]), parseTag(digest.replace(':', '-')))
    assert.ok(await isSigned({ reader: registry.reader(), name: APP }, image, signer.keys, {}))
  })
})
