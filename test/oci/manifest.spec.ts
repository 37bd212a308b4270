import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isRegistryError } from '../../src/oci/errors.ts'
import { JSON_MAX_DEPTH } from '../../src/oci/json.ts'
import {
  MANIFEST_MAX_BYTES,
  REFERENCES_MAX,
  mediaTypeOf,
  parseManifest,
  readManifest,
  referrerDescriptor,
  requiredBlobs,
} from '../../src/oci/manifest.ts'
import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
} from '../../src/oci/media-type.ts'
import { digestOf } from '../../src/oci/digest.ts'
import type { RegistryError } from '../../src/oci/errors.ts'

const encoder = new TextEncoder()
const bytesOf = (value: unknown) =>
  encoder.encode(typeof value === 'string' ? value : JSON.stringify(value))

const descriptor = (mediaType: string, seed = 'x', extra: object = {}) => ({
  mediaType,
  digest: digestOf(encoder.encode(seed)),
  size: 3,
  ...extra,
})
const CONFIG = descriptor('application/vnd.oci.image.config.v1+json', 'config')
const LAYER = descriptor('application/vnd.oci.image.layer.v1.tar+gzip', 'layer')
const CHILD = descriptor(OCI_IMAGE_MANIFEST, 'child')
const image = (extra: object = {}) => ({
  schemaVersion: 2,
  mediaType: OCI_IMAGE_MANIFEST,
  config: CONFIG,
  layers: [LAYER],
  ...extra,
})
const index = (extra: object = {}) => ({
  schemaVersion: 2,
  mediaType: OCI_IMAGE_INDEX,
  manifests: [CHILD],
  ...extra,
})
const without = (object: object, ...keys: string[]) =>
  Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))

describe('a manifest that is pushed', () => {
  const accepted: [string, unknown, string][] = [
    ['an OCI image', image(), OCI_IMAGE_MANIFEST],
    ['an OCI index', index(), OCI_IMAGE_INDEX],
    ['a Docker image', image({ mediaType: DOCKER_MANIFEST }), DOCKER_MANIFEST],
    ['a Docker list', index({ mediaType: DOCKER_MANIFEST_LIST }), DOCKER_MANIFEST_LIST],
    [
      'an image without mediaType, as helm makes it',
      without(image(), 'mediaType'),
      OCI_IMAGE_MANIFEST,
    ],
    ['an index without mediaType', without(index(), 'mediaType'), OCI_IMAGE_INDEX],
    ['an empty index', index({ manifests: [] }), OCI_IMAGE_INDEX],
    ['an image with no layers', image({ layers: [] }), OCI_IMAGE_MANIFEST],
    [
      'an image whose layers are null, as Go writes nil',
      image({ layers: null }),
      OCI_IMAGE_MANIFEST,
    ],
    ['an artifact without a layers key', without(image(), 'layers'), OCI_IMAGE_MANIFEST],
    ['unknown fields', image({ 'org.example.x': { deep: [1, 1e-7, null] } }), OCI_IMAGE_MANIFEST],
    ['a data field', image({ config: { ...CONFIG, data: 'e30=' } }), OCI_IMAGE_MANIFEST],
    ['a subject', image({ subject: CHILD }), OCI_IMAGE_MANIFEST],
    ['an empty artifactType', image({ artifactType: '' }), OCI_IMAGE_MANIFEST],
    ['annotations', image({ annotations: { a: 'b', Layers: 'c' } }), OCI_IMAGE_MANIFEST],
    ['white space around it', ` \n${JSON.stringify(image())}\r\n\t`, OCI_IMAGE_MANIFEST],
    [
      'sha512',
      image({ layers: [{ ...LAYER, digest: digestOf(bytesOf('a'), 'sha512') }] }),
      OCI_IMAGE_MANIFEST,
    ],
    [
      'layers with urls',
      image({ layers: [{ ...LAYER, urls: ['http://169.254.169.254/', 'file:///'] }] }),
      OCI_IMAGE_MANIFEST,
    ],
  ]
  for (const [what, value, mediaType] of accepted) {
    it(`is accepted: ${what}`, () => {
      const bytes = bytesOf(value)
      assert.equal(parseManifest(bytes, mediaType).mediaType, mediaType)
      assert.equal(mediaTypeOf(bytes), mediaType)
    })
  }

  const refused: [string, unknown, RegExp?][] = [
    ['an empty body', ''],
    ['what is not JSON', 'hello'],
    ['an array', []],
    ['null', 'null'],
    ['a number', '7'],
    ['layers and manifests', image({ manifests: [] }), /\$\.manifests/],
    ['an index with a config', index({ config: CONFIG }), /\$\.config/],
    ['an index with layers', index({ layers: [] }), /\$\.layers/],
    ['an index with null layers', index({ layers: null }), /\$\.layers/],
    ['an image with fsLayers', image({ fsLayers: [] }), /\$\.fsLayers/],
    [
      'config and manifests without mediaType',
      without(image({ manifests: [] }), 'mediaType'),
      /\$\.manifests/,
    ],
    ['a shape that tells nothing', { schemaVersion: 2 }, /mediaType/],
    ['an index type without manifests', without(index(), 'manifests'), /\$\.manifests/],
    ['an image type without config', without(image(), 'config'), /\$\.config/],
    ['schemaVersion 1', image({ schemaVersion: 1 }), /\$\.schemaVersion/],
    ['no schemaVersion', without(image(), 'schemaVersion'), /\$\.schemaVersion/],
    [
      'a schema 1 type',
      image({ mediaType: 'application/vnd.docker.distribution.manifest.v1+json' }),
      /\$\.mediaType/,
    ],
    ['an unknown type', image({ mediaType: 'application/json' }), /\$\.mediaType/],
    ['a mediaType that is no text', image({ mediaType: 1 }), /\$\.mediaType/],
    ['layers that are an object', image({ layers: {} }), /\$\.layers/],
    ['a layer that is null', image({ layers: [LAYER, null] }), /\$\.layers\[1\]/],
    ['a negative size', image({ layers: [{ ...LAYER, size: -1 }] }), /\$\.layers\[0\]\.size/],
    ['a fractional size', image({ config: { ...CONFIG, size: 1.5 } }), /\$\.config\.size/],
    ['a size beyond 2^53', image({ config: { ...CONFIG, size: 2 ** 53 } }), /\$\.config\.size/],
    ['a size of 1e400', JSON.stringify(image()).replace('"size":3', '"size":1e400'), /size/],
    ['a size in quotes', image({ config: { ...CONFIG, size: '3' } }), /\$\.config\.size/],
    ['no size', image({ config: without(CONFIG, 'size') }), /\$\.config\.size/],
    [
      'no mediaType in a descriptor',
      image({ config: without(CONFIG, 'mediaType') }),
      /\$\.config\.mediaType/,
    ],
    [
      'a line break in a media type',
      image({ config: { ...CONFIG, mediaType: 'a/b\r\nx: y' } }),
      /mediaType/,
    ],
    [
      'a digest in upper case',
      image({ config: { ...CONFIG, digest: CONFIG.digest.toUpperCase() } }),
      /digest/,
    ],
    ['a digest with a path', image({ config: { ...CONFIG, digest: 'sha256:../../x' } }), /digest/],
    ['a subject that is text', image({ subject: 'sha256:x' }), /\$\.subject/],
    ['annotations that are a list', image({ annotations: [] }), /\$\.annotations/],
    ['an annotation that is a number', image({ annotations: { a: 1 } }), /\$\.annotations/],
    ['an artifactType that is a number', image({ artifactType: 1 }), /\$\.artifactType/],
    ['a byte order mark', `\ufeff${JSON.stringify(image())}`, /byte order mark/],
    ['trailing junk', `${JSON.stringify(image())}}`],
    ['a second document', `${JSON.stringify(image())}{}`],
    ['half of a surrogate pair', JSON.stringify(image({ x: '\ud800' })), /surrogate/],
    ['half of a pair in a key', JSON.stringify(image({ '\udc00': 1 })), /surrogate/],
    ['the same key twice', JSON.stringify(image()).replace('{', '{"layers":[],'), /same key twice/],
    [
      'the same key twice, one escaped',
      JSON.stringify(image()).replace('{', '{"l\\u0061yers":[],'),
      /same key twice/,
    ],
    [
      'the same key twice, deep inside',
      JSON.stringify(image()).replace('"size":3', '"size":3,"size":4'),
      /same key twice/,
    ],
    [
      'the same key twice with spaces',
      JSON.stringify(image()).replace('{', '{"layers" \n:[],'),
      /same key twice/,
    ],
    ['a key in another case', image({ Layers: [] }), /Layers/],
    ['a key with a long s', image({ layerſ: [] }), /layers/],
    [
      'a descriptor key in another case',
      image({ config: { ...CONFIG, Digest: LAYER.digest } }),
      /Digest/,
    ],
    [
      'a __proto__ that pretends to be a config',
      `{"schemaVersion":2,"__proto__":${JSON.stringify(image())}}`,
      /mediaType/,
    ],
    [
      `${REFERENCES_MAX + 1} layers`,
      image({ layers: Array.from({ length: REFERENCES_MAX + 1 }, () => LAYER) }),
      /entries/,
    ],
  ]
  for (const [what, value, message] of refused) {
    it(`is refused with 400 MANIFEST_INVALID: ${what}`, () => {
      assert.throws(
        () => readManifest(bytesOf(value)),
        (error: RegistryError) => {
          assert.ok(isRegistryError(error, 'MANIFEST_INVALID'), String(error))
          assert.equal(error.status, 400)
          if (message !== undefined) assert.match(error.message, message)
          return true
        },
      )
    })
  }

  it('is refused when it is not UTF-8', () => {
    const bytes = Buffer.concat([bytesOf('{"a":"'), Buffer.from([0xff]), bytesOf('"}')])
    assert.throws(() => readManifest(bytes), /UTF-8/)
  })

  it('is refused with 413 beyond 4 MiB, and accepted at 4 MiB', () => {
    const bare = bytesOf(image({ annotations: { pad: '' } })).length
    const pad = (length: number) =>
      bytesOf(image({ annotations: { pad: 'a'.repeat(length - bare) } }))
    assert.equal(pad(MANIFEST_MAX_BYTES).length, MANIFEST_MAX_BYTES)
    assert.equal(readManifest(pad(MANIFEST_MAX_BYTES)).kind, 'image')
    assert.throws(() => readManifest(pad(MANIFEST_MAX_BYTES + 1)), { status: 413 })
  })
})

describe('the Content-Type of a pushed manifest', () => {
  const bytes = bytesOf(image())
  it('may have parameters and another case', () => {
    const type = 'Application/VND.oci.image.manifest.v1+JSON; charset=utf-8'
    assert.equal(parseManifest(bytes, type).mediaType, OCI_IMAGE_MANIFEST)
  })
  for (const type of [undefined, '', 'application/json', DOCKER_MANIFEST, OCI_IMAGE_INDEX]) {
    it(`must be the manifest's own, not ${String(type)}`, () => {
      assert.throws(() => parseManifest(bytes, type), { code: 'MANIFEST_INVALID', status: 400 })
    })
  }
  it('must be an OCI type when the manifest has no mediaType', () => {
    const helm = bytesOf(without(image(), 'mediaType'))
    assert.throws(() => parseManifest(helm, DOCKER_MANIFEST), { code: 'MANIFEST_INVALID' })
  })
})

describe('the facts of a manifest', () => {
  it('require the config and every layer that is not foreign', () => {
    const foreign = [
      'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
      'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    ].map((type) => descriptor(type, type))
    const facts = readManifest(bytesOf(image({ layers: [...foreign, LAYER] })))
    assert.deepEqual(
      requiredBlobs(facts).map((each) => each.digest),
      [CONFIG.digest, LAYER.digest],
    )
    assert.equal(facts.layers.length, 3)
  })

  it('give a referrer its artifactType, or else the media type of its config', () => {
    const digest = digestOf(bytesOf('m'))
    const plain = readManifest(bytesOf(image({ annotations: { a: 'b' } })))
    assert.deepEqual(referrerDescriptor(plain, digest, 9), {
      mediaType: OCI_IMAGE_MANIFEST,
      digest,
      size: 9,
      artifactType: CONFIG.mediaType,
      annotations: { a: 'b' },
    })
    const typed = readManifest(bytesOf(image({ artifactType: 'text/x' })))
    assert.equal(referrerDescriptor(typed, digest, 9).artifactType, 'text/x')
    const list = readManifest(bytesOf(index()))
    assert.equal('artifactType' in referrerDescriptor(list, digest, 9), false)
  })

  it('keep a __proto__ annotation as an ordinary key and change no prototype', () => {
    const body = JSON.stringify(image({ annotations: { a: 'b' } })).replace('"a"', '"__proto__"')
    const facts = readManifest(bytesOf(body))
    assert.deepEqual(Object.keys(facts.annotations ?? {}), ['__proto__'])
    assert.match(JSON.stringify(referrerDescriptor(facts, CONFIG.digest, 1)), /"__proto__":"b"/)
    assert.equal(Object.hasOwn(Object.prototype, 'b'), false)
  })
})

describe('a hostile manifest', () => {
  const MiB4 = MANIFEST_MAX_BYTES
  const hostile: [string, () => string][] = [
    ['arrays nested as deep as they fit', () => '['.repeat(MiB4)],
    ['arrays nested and closed', () => '['.repeat(MiB4 / 2) + ']'.repeat(MiB4 / 2)],
    ['objects nested', () => '{"a":'.repeat(MiB4 / 5)],
    [
      'nesting in an unknown field',
      () => JSON.stringify(image()).replace('{', `{"x":${'['.repeat(1e5)}${']'.repeat(1e5)},`),
    ],
    [
      'a million elements',
      () => JSON.stringify(image()).replace('"layers":[', `"layers":[${'1,'.repeat(1e6)}`),
    ],
    [
      'a million keys in a descriptor',
      () =>
        `{"schemaVersion":2,"config":{${Array.from({ length: 3.5e5 }, (_, i) => `"${i}":1`).join()}}}`,
    ],
    [
      '40,000 descriptors',
      () =>
        JSON.stringify(
          index({
            manifests: Array.from({ length: 38_000 }, () => ({
              mediaType: 'a/b',
              digest: CHILD.digest,
              size: 1,
            })),
          }),
        ).slice(0, MiB4),
    ],
    ['nothing but backslashes', () => `{"${'\\'.repeat(MiB4 - 8)}"`],
    ['nothing but quotes', () => '"'.repeat(MiB4)],
    ['nothing but escaped quotes', () => `"${'\\"'.repeat(MiB4 / 2 - 1)}`],
    ['keys with spaces before the colon', () => `{${'"a"                    '.repeat(1e5)}`],
    ['one long key twice', () => `{"${'a'.repeat(2e6)}":1,"${'a'.repeat(2e6)}":1}`],
  ]
  for (const [what, make] of hostile) {
    it(`costs less than a second and ends in MANIFEST_INVALID: ${what}`, () => {
      const bytes = bytesOf(make())
      assert.ok(bytes.length <= MiB4)
      const before = process.cpuUsage()
      assert.throws(() => readManifest(bytes), { code: 'MANIFEST_INVALID' })
      const { user, system } = process.cpuUsage(before)
      assert.ok(user + system < 1e6, `took ${(user + system) / 1000} ms of CPU`)
    })
  }

  it(`is nested at most ${JSON_MAX_DEPTH} deep`, () => {
    const nested = (depth: number) => {
      const x = '['.repeat(depth - 1) + ']'.repeat(depth - 1)
      return bytesOf(JSON.stringify(image()).replace('{', `{"x":${x},`))
    }
    assert.equal(readManifest(nested(JSON_MAX_DEPTH)).kind, 'image')
    assert.throws(() => readManifest(nested(JSON_MAX_DEPTH + 1)), /deep/)
  })
})

describe('the manifest parser (properties)', () => {
  const orRegistryError = (bytes: Uint8Array) => {
    try {
      const facts = readManifest(bytes)
      assert.equal(facts.mediaType, mediaTypeOf(bytes))
    } catch (error) {
      if (!isRegistryError(error, 'MANIFEST_INVALID')) throw error
    }
  }

  it('throws nothing but MANIFEST_INVALID, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), orRegistryError))
    fc.assert(fc.property(fc.json(), (text) => orRegistryError(bytesOf(text))))
  })

  it('throws nothing but MANIFEST_INVALID for manifests with anything in any field', () => {
    const keys = [
      'schemaVersion',
      'mediaType',
      'config',
      'layers',
      'manifests',
      'subject',
      'annotations',
      '__proto__',
      'constructor',
    ]
    const overrides = fc.dictionary(fc.constantFrom(...keys), fc.jsonValue(), { maxKeys: 3 })
    fc.assert(
      fc.property(fc.constantFrom(image(), index()), overrides, (base, extra) =>
        orRegistryError(bytesOf({ ...base, ...extra })),
      ),
    )
  })

  it('throws nothing but MANIFEST_INVALID when one byte of a manifest is changed', () => {
    const good = bytesOf(image({ annotations: { a: '\\"é' } }))
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
        const bytes = Uint8Array.from(good)
        bytes[at] = value
        orRegistryError(bytes)
      }),
    )
  })

  it('agrees with JSON.parse about every document without doubtful parts', () => {
    // What fast-check prints has no duplicate keys, so only depth and lone surrogates could be refused.
    const value = fc.jsonValue({ maxDepth: 5, stringUnit: 'grapheme' })
    fc.assert(
      fc.property(value, (x) => {
        assert.equal(readManifest(bytesOf(image({ x }))).kind, 'image')
      }),
    )
  })
})
