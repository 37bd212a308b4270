import { MANIFEST_MAX_BYTES } from '../../src/oci/manifest.ts'
import { manifestBytes, planOf } from './manifests.ts'
import { NOWHERE } from './universe.ts'
import type { Json, ManifestId, ManifestPlan } from './manifests.ts'

type Change = (json: Json, plan: ManifestPlan) => Json

/** A list in a manifest: the layers of an image, the manifests of an index. */
function listOf(json: Json): 'layers' | 'manifests' {
  return 'manifests' in json ? 'manifests' : 'layers'
}

/** Changes the first descriptor of the manifest, or adds one. */
function firstDescriptor(change: Json): Change {
  return (json) => {
    const list = listOf(json)
    if (list === 'layers') return { ...json, config: { ...(json['config'] as Json), ...change } }
    const [first = {}, ...others] = json[list] as Json[]
    return { ...json, [list]: [{ ...first, ...change }, ...others] }
  }
}

function addDescriptor(descriptor: Json): Change {
  return (json) => ({ ...json, [listOf(json)]: [...(json[listOf(json)] as Json[]), descriptor] })
}

const add =
  (fields: Json): Change =>
  (json) => ({ ...json, ...fields })

const otherKind =
  (value: unknown): Change =>
  (json) => ({
    ...json,
    [listOf(json) === 'layers' ? 'manifests' : 'layers']: value,
  })

/** What can be wrong with the JSON of a manifest. */
const CHANGES = {
  'schema version 1': add({ schemaVersion: 1 }),
  'no schema version': add({ schemaVersion: undefined }),
  'schema version as text': add({ schemaVersion: '2' }),
  'wrong size': firstDescriptor({ size: 4242 }),
  'negative size': firstDescriptor({ size: -1 }),
  'no size': firstDescriptor({ size: undefined }),
  'size as text': firstDescriptor({ size: '1' }),
  'descriptor without a type': firstDescriptor({ mediaType: undefined }),
  'descriptor without a digest': firstDescriptor({ digest: undefined }),
  'descriptor with a short digest': firstDescriptor({ digest: 'sha256:abc' }),
  'descriptor with an upper-case digest': firstDescriptor({ digest: NOWHERE.toUpperCase() }),
  'descriptor is text': (json) => ({ ...json, [listOf(json)]: ['x'] }),
  'list is an object': (json) => ({ ...json, [listOf(json)]: {} }),
  'list is null': (json) => ({ ...json, [listOf(json)]: null }),
  'list is missing': (json) => ({ ...json, [listOf(json)]: undefined }),
  'config is missing': add({ config: undefined }),
  'missing blob': addDescriptor({
    mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
    digest: NOWHERE,
    size: 7,
  }),
  'missing manifest': addDescriptor({
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: NOWHERE,
    size: 7,
  }),
  'layer that is elsewhere': addDescriptor({
    mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    digest: NOWHERE,
    size: 7,
  }),
  'layer that is elsewhere, with urls': addDescriptor({
    mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    digest: NOWHERE,
    size: 7,
    urls: ['https://example.org/layer'],
  }),
  'lists of both kinds': otherKind([]),
  'null for the other list': otherKind(null),
  'list in other letters': add({ LAYERS: [] }),
  'another type': (json, { mediaType }) => ({ ...json, mediaType: `${mediaType}x` }),
  'subject is text': add({ subject: 'x' }),
  'annotation is a number': add({ annotations: { a: 1 } }),
  'annotations are a list': add({ annotations: [] }),
  'artifact type is a number': add({ artifactType: 1 }),
  'unknown fields': add({ 'org.example': { a: [1, null, 1.5e3] }, data: 'eA==' }),
} satisfies Record<string, Change>

/** What can be wrong with its text. */
const TEXTS = {
  nothing: () => Buffer.alloc(0),
  'half of it': (text) => text.subarray(0, text.length / 2),
  'not an object': () => Buffer.from('[]'),
  null: () => Buffer.from('null'),
  'an empty object': () => Buffer.from('{}'),
  'byte order mark': (text) => Buffer.concat([Buffer.from('\uFEFF'), text]),
  'something behind it': (text) => Buffer.concat([text, Buffer.from('x')]),
  'white space around': (text) => Buffer.concat([Buffer.from('\n '), text, Buffer.from('\r\n\t')]),
  'a key twice': (text) => Buffer.from(text.toString().replace('{', '{"schemaVersion":2,')),
  'not UTF-8': (text) => withAnnotation(text, Buffer.from([0x22, 0xff, 0x22])),
  'half of a surrogate pair': (text) => withAnnotation(text, Buffer.from('"\\ud800"')),
  'too deep': (text) => withField(text, 'x', Buffer.from('['.repeat(100) + ']'.repeat(100))),
  '4 MiB': (text) => pad(text, MANIFEST_MAX_BYTES),
  'over 4 MiB': (text) => pad(text, MANIFEST_MAX_BYTES + 1),
} satisfies Record<string, (text: Buffer) => Buffer>

function withField(text: Buffer, name: string, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`{"${name}":`), value, Buffer.from(','), text.subarray(1)])
}

function withAnnotation(text: Buffer, value: Buffer): Buffer {
  return withField(text, 'x', value)
}

function pad(text: Buffer, size: number): Buffer {
  return Buffer.concat([text, Buffer.alloc(Math.max(0, size - text.length), ' ')])
}

export type Flaw = keyof typeof CHANGES | keyof typeof TEXTS
export const FLAWS = [...Object.keys(CHANGES), ...Object.keys(TEXTS)] as Flaw[]

/** The manifest with that wrong with it, if anything. */
export function renderManifest(id: ManifestId, flaw: Flaw | undefined): Buffer {
  if (flaw === undefined) return manifestBytes(id)
  if (flaw in TEXTS) return TEXTS[flaw as keyof typeof TEXTS](manifestBytes(id))
  const plan = planOf(id)
  const change: Change = CHANGES[flaw as keyof typeof CHANGES]
  return Buffer.from(JSON.stringify(change(plan.json, plan)))
}
