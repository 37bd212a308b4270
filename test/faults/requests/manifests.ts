import { OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from '../../../src/oci/media-type.ts'
import { descriptorOf, randomImage } from '../../support/random-image.ts'
import { ABSENT, image, layer, manifest } from './fixtures.ts'
import {
  comesBackAsItWas,
  fits,
  hasAbsentSubject,
  isCutAtTheLimit,
  keepsItsType,
  MAX,
  sized,
  typeHasParameters,
  urlsAreNotAsked,
} from './manifest-stories.ts'
import { CHANGES } from './row.ts'
import type { Row, Sent } from './row.ts'

const DOCKER = 'application/vnd.docker.distribution.manifest.v2+json'
const INVALID = '400 MANIFEST_INVALID'
const NO_DIGEST = '400 DIGEST_INVALID'
const UNKNOWN = '400 MANIFEST_BLOB_UNKNOWN'
const text = Buffer.from(image.bytes).toString()
const elsewhere = randomImage()
const urls = ['http://169.254.169.254/layer', 'file:///etc/passwd']
const oneLayer = JSON.stringify([layer])

/** Manifests: B17 to B27. */
export const MANIFESTS: readonly Row[] = [
  ['B17', 'one of 4 MiB is taken and comes back', fits, CHANGES],
  ['B17', 'a byte more', put(sized(MAX + 1)), '413 MANIFEST_INVALID'],
  ['B17', 'a body that never ends is cut at the limit', isCutAtTheLimit],

  ['B18', 'JSON 100,000 deep', put('['.repeat(100_000)), INVALID],
  ['B18', 'JSON deep inside', put(layers(`${'['.repeat(50_000)}${']'.repeat(50_000)}`)), INVALID],
  ['B18', 'a million elements', put(layers(`[${'1,'.repeat(999_999)}1]`)), INVALID],
  ['B18', '20,000 descriptors', put({ ...manifest, layers: Array(20_000).fill(layer) }), INVALID],
  ['B18', 'a size beyond all numbers', put(layers(withSize('1e400'))), INVALID],
  ['B18', 'a negative size', put(layers(withSize('-1'))), INVALID],
  ['B18', 'a size and a half', put(layers(withSize('1.5'))), INVALID],
  ['B18', 'a size that is text', put(layers(withSize('"10"'))), INVALID],
  ['B18', 'a media type of a megabyte', put(withLayer({ mediaType: 'x'.repeat(1e6) })), INVALID],
  ['B18', 'the digest of a prototype', put(withLayer({ digest: '__proto__' })), INVALID],
  ['B18', 'a byte order mark', put(`\ufeff${text}`), INVALID],
  ['B18', 'more after its end', put(`${text}{}`), INVALID],
  ['B18', 'a field twice', put(text.replace('{', '{"config":{},')), INVALID],
  ['B18', 'bytes that are no UTF-8', put(Buffer.from(withText('\xff'), 'latin1')), INVALID],
  ['B18', 'half a character', put(withText('\\ud800')), INVALID],
  ['B18', 'what is strange and allowed comes back byte for byte', comesBackAsItWas, CHANGES],

  ['B19', 'nothing', put(''), INVALID],
  ['B19', 'no JSON', put('not json'), INVALID],
  ['B19', 'an array', put('[]'), INVALID],
  ['B19', 'null', put('null'), INVALID],
  ['B19', 'a number', put('42'), INVALID],
  ['B19', 'text', put('"manifest"'), INVALID],
  ['B19', 'an empty object', put('{}'), INVALID],

  ['B20', 'another type than its own', put(manifest, DOCKER), INVALID],
  ['B20', 'the type of an index', put(manifest, OCI_IMAGE_INDEX), INVALID],
  ['B20', 'an unknown type', put(manifest, 'application/json'), INVALID],
  ['B20', 'a type that is none', put(manifest, ';;;'), INVALID],
  ['B20', 'no type', { line: 'PUT /v2/app/manifests/bad', body: text }, INVALID],
  ['B20', 'an unknown type inside', put({ ...manifest, mediaType: 'application/x' }), INVALID],
  ['B20', 'parameters of the type mean nothing', typeHasParameters, CHANGES],

  ['B21', 'layers and manifests', put({ ...manifest, manifests: [descriptorOf(image)] }), INVALID],
  ['B21', 'config and manifests', putIndex({ config: manifest['config'] }), INVALID],
  ['B21', 'fsLayers', put({ ...manifest, fsLayers: [] }), INVALID],
  ['B21', 'manifests of another case', put({ ...manifest, Manifests: [] }), INVALID],
  ['B22', 'the same bytes under another type are refused', keepsItsType, CHANGES],

  ['B23', 'a blob that is not here', put(elsewhere.bytes), UNKNOWN],
  ['B23', 'a child that is not here', putIndex({ manifests: [descriptorOf(elsewhere)] }), UNKNOWN],
  ['B24', 'a size that is not the blob’s', put(withLayer({ size: layer.size + 1 })), INVALID],
  ['B25', 'it is taken, and referrers come to an end', hasAbsentSubject, CHANGES],
  ['B26', 'other bytes than its digest', put(manifest, OCI_IMAGE_MANIFEST, ABSENT), NO_DIGEST],
  ['B27', 'a layer that is only elsewhere', put(withLayer({ digest: ABSENT, urls })), UNKNOWN],
  ['B27', 'the urls of a layer are never asked', urlsAreNotAsked, CHANGES],
]

function put(body: unknown, type = OCI_IMAGE_MANIFEST as string, reference = 'bad'): Sent {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array
  return {
    line: `PUT /v2/app/manifests/${reference}`,
    headers: { 'Content-Type': type },
    body: isRaw ? body : JSON.stringify(body),
  }
}

/** The manifest with other layers, as text that no object has to be made of. */
function layers(json: string): string {
  return JSON.stringify({ ...manifest, layers: '@' }).replace('"@"', json)
}

/** The manifest with a field more, whose text it is. */
function withText(json: string): string {
  return text.replace('{', `{"x":"${json}",`)
}

function withSize(json: string): string {
  return oneLayer.replace(/"size":\d+/, `"size":${json}`)
}

function withLayer(change: object): object {
  return { ...manifest, layers: [{ ...layer, ...change }] }
}

function putIndex(fields: object): Sent {
  const index = { schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests: [], ...fields }
  return put(index, OCI_IMAGE_INDEX)
}
