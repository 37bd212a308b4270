import {
  foldedFields,
  manifestInvalid,
  parseDescriptor,
  parseMediaType,
  refuseCaseVariants,
} from './descriptor.ts'
import { RegistryError } from './errors.ts'
import { isJsonObject, member, parseStrictJson } from './json.ts'
import {
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
  essenceOf,
  isForeignLayer,
  isManifestMediaType,
  manifestKind,
} from './media-type.ts'
import type { Descriptor, ManifestDescriptor } from './descriptor.ts'
import type { Digest } from './digest.ts'
import type { JsonObject } from './json.ts'
import type { ManifestKind, ManifestMediaType } from './media-type.ts'

export type { Descriptor, ManifestDescriptor } from './descriptor.ts'
export type { ManifestMediaType } from './media-type.ts'

/** Largest manifest we take: 4 MiB, which distribution-spec "Pushing Manifests" makes the least a registry should. */
export const MANIFEST_MAX_BYTES = 4 * 1024 * 1024

/**
 * Descriptors on one page of referrers, in bytes of JSON: the page is an image index, of which clients take no more than
 * of any manifest, and there must be room for what stands around them.
 */
export const REFERRERS_PAGE_BYTES = MANIFEST_MAX_BYTES - 1024

/**
 * Most layers, or manifests of an index, that we take. Each is looked up while the manifest is pushed; the largest
 * real images have 127 layers and the largest real indexes some hundred entries.
 */
export const REFERENCES_MAX = 4096

/** What the rules need to know of a manifest. */
export interface ManifestFacts {
  mediaType: ManifestMediaType
  kind: ManifestKind
  /** Always there in an image, never in an index. */
  config?: Descriptor
  /** Of an image; may be empty. */
  layers: readonly Descriptor[]
  /** Of an index; may be empty. */
  manifests: readonly Descriptor[]
  subject?: Descriptor
  /** As written, without the fallback that {@link referrerDescriptor} applies. */
  artifactType?: string
  annotations?: Record<string, string>
}

const FIELDS = foldedFields([
  'schemaVersion',
  'mediaType',
  'artifactType',
  'config',
  'layers',
  'manifests',
  'subject',
  'annotations',
  'fsLayers',
])

/**
 * Reads a manifest that is being pushed.
 *
 * @param contentType the request's Content-Type; its parameters are ignored
 * @throws RegistryError MANIFEST_INVALID when it is not one of the four manifests we take, breaks their rules, or is
 * pushed under another type than its own; its detail names the JSON path at fault
 */
export function parseManifest(bytes: Uint8Array, contentType: string | undefined): ManifestFacts {
  const facts = readManifest(bytes)
  if (contentType === undefined) {
    throw manifestInvalid('Content-Type', `it is missing; this manifest is ${facts.mediaType}`)
  }
  const claimed = essenceOf(contentType)
  if (claimed !== facts.mediaType) {
    throw manifestInvalid(
      'Content-Type',
      `it is ${claimed}, but this manifest is ${facts.mediaType}`,
    )
  }
  return facts
}

/**
 * Reads a manifest that was stored before. The same bytes give the same facts as when they were pushed: nothing
 * depends on the request, so a digest is never served under two types (CVE-2021-41190).
 *
 * @throws RegistryError MANIFEST_INVALID as {@link parseManifest}
 */
export function readManifest(bytes: Uint8Array): ManifestFacts {
  if (bytes.length > MANIFEST_MAX_BYTES) {
    throw new RegistryError('MANIFEST_INVALID', {
      message: `manifest invalid: it is larger than ${MANIFEST_MAX_BYTES} bytes`,
      status: 413,
    })
  }
  const root = parseStrictJson(bytes)
  if (!isJsonObject(root)) throw manifestInvalid('$', 'a manifest is an object')
  refuseCaseVariants(root, FIELDS, '$')
  const mediaType = mediaTypeOfObject(root)
  const kind = manifestKind(mediaType) ?? 'image'
  refuseConfusion(root, kind)
  return {
    mediaType,
    kind,
    ...(kind === 'image' ? imageParts(root) : indexParts(root)),
    ...commonParts(root),
  }
}

/**
 * The type a stored manifest is served under.
 *
 * @throws RegistryError MANIFEST_INVALID as {@link parseManifest}
 */
export function mediaTypeOf(bytes: Uint8Array): ManifestMediaType {
  return readManifest(bytes).mediaType
}

/** What must be in the repository before an image may be pushed: its config, and its layers but the foreign ones. */
export function requiredBlobs(facts: ManifestFacts): Descriptor[] {
  const layers = facts.layers.filter((layer) => !isForeignLayer(layer.mediaType))
  return facts.config === undefined ? layers : [facts.config, ...layers]
}

/**
 * A manifest as the referrers list shows it (distribution-spec, "Listing Referrers"): the `artifactType` of an image
 * that has none is its config's media type, and annotations are copied.
 */
export function referrerDescriptor(
  facts: ManifestFacts,
  digest: Digest,
  size: number,
): ManifestDescriptor {
  const artifactType = facts.artifactType ?? facts.config?.mediaType
  return {
    mediaType: facts.mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(facts.annotations === undefined ? {} : { annotations: facts.annotations }),
  }
}

/**
 * Checks that a manifest can be listed among the referrers of its subject, if it has one: what no page has room for
 * would keep clients from reading the others on it.
 *
 * @throws RegistryError MANIFEST_INVALID with 413
 */
export function refuseUnlistable(facts: ManifestFacts, digest: Digest, size: number): void {
  if (facts.subject === undefined || facts.annotations === undefined) return
  if (bytesAsJson(referrerDescriptor(facts, digest, size)) <= REFERRERS_PAGE_BYTES) return
  throw new RegistryError('MANIFEST_INVALID', {
    status: 413,
    message:
      'manifest invalid: $.annotations: the list of referrers repeats them, and with these it would be larger than clients take',
  })
}

/** Bytes of a descriptor in a list. */
export function bytesAsJson(descriptor: ManifestDescriptor): number {
  return Buffer.byteLength(JSON.stringify(descriptor)) + ','.length
}

/** Helm and others leave `mediaType` out, which only OCI allows; then the shape tells. */
function mediaTypeOfObject(root: JsonObject): ManifestMediaType {
  const written = parseMediaType(member(root, 'mediaType'), '$.mediaType')
  if (written !== undefined) {
    if (isManifestMediaType(written)) return written
    throw manifestInvalid('$.mediaType', `${written} is not a manifest this registry takes`)
  }
  if (isJsonObject(member(root, 'config'))) return OCI_IMAGE_MANIFEST
  if (Array.isArray(member(root, 'manifests'))) return OCI_IMAGE_INDEX
  throw manifestInvalid(
    '$',
    'it has no mediaType, and neither a config nor manifests to tell it by',
  )
}

/** Keys that would let another reader take this document for the other kind. */
const FOREIGN_KEYS: Record<ManifestKind, readonly string[]> = {
  image: ['manifests', 'fsLayers'],
  index: ['config', 'layers', 'fsLayers'],
}

function refuseConfusion(root: JsonObject, kind: ManifestKind): void {
  if (member(root, 'schemaVersion') !== 2) throw manifestInvalid('$.schemaVersion', 'it is not 2')
  for (const key of FOREIGN_KEYS[kind]) {
    if (Object.hasOwn(root, key)) {
      throw manifestInvalid(
        `$.${key}`,
        `it has no place in an ${kind === 'index' ? 'index' : 'image manifest'}`,
      )
    }
  }
}

function imageParts(root: JsonObject): Pick<ManifestFacts, 'config' | 'layers' | 'manifests'> {
  const config = parseDescriptor(member(root, 'config'), '$.config')
  return { config, layers: parseDescriptors(member(root, 'layers'), '$.layers'), manifests: [] }
}

function indexParts(root: JsonObject): Pick<ManifestFacts, 'layers' | 'manifests'> {
  if (!Object.hasOwn(root, 'manifests')) throw manifestInvalid('$.manifests', 'it is missing')
  return { layers: [], manifests: parseDescriptors(member(root, 'manifests'), '$.manifests') }
}

function commonParts(
  root: JsonObject,
): Pick<ManifestFacts, 'subject' | 'artifactType' | 'annotations'> {
  const subject = member(root, 'subject')
  // Go writes '' for a string that was never set.
  const artifactType = parseMediaType(member(root, 'artifactType') || undefined, '$.artifactType')
  const annotations = member(root, 'annotations')
  return {
    ...(subject === undefined ? {} : { subject: parseDescriptor(subject, '$.subject') }),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations: parseAnnotations(annotations) }),
  }
}

function parseDescriptors(value: unknown, path: string): Descriptor[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw manifestInvalid(path, 'it is not a list')
  if (value.length > REFERENCES_MAX) {
    throw manifestInvalid(
      path,
      `it has ${value.length} entries, and at most ${REFERENCES_MAX} are taken`,
    )
  }
  return value.map((item: unknown, index) => parseDescriptor(item, `${path}[${index}]`))
}

/** Referrers lists repeat annotations, so each value must be what the image-spec says: text. */
function parseAnnotations(value: unknown): Record<string, string> {
  if (!isJsonObject(value)) throw manifestInvalid('$.annotations', 'it is not an object')
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      throw manifestInvalid(
        '$.annotations',
        `the value of ${JSON.stringify(key.slice(0, 100))} is not text`,
      )
    }
  }
  return value as Record<string, string>
}
