import { tryParseDigest } from './digest.ts'
import { RegistryError } from './errors.ts'
import { isJsonObject, member } from './json.ts'
import type { Digest } from './digest.ts'
import type { JsonObject } from './json.ts'

/** A content descriptor (image-spec descriptor.md). */
export interface Descriptor {
  mediaType: string
  digest: Digest
  /** Bytes. */
  size: number
}

/** A descriptor of a manifest as the referrers list shows it. */
export interface ManifestDescriptor extends Descriptor {
  artifactType?: string
  annotations?: Record<string, string>
}

/** Longest media type (RFC 6838 §4.2 allows 127 characters on each side of the slash). */
const MEDIA_TYPE_MAX_LENGTH = 255
/** Visible ASCII and spaces: some tools put parameters into descriptors, nobody puts control characters. */
const MEDIA_TYPE = /^[\x20-\x7e]+$/

const FIELDS = foldedFields(['mediaType', 'digest', 'size'])

/**
 * Reads a descriptor. Fields we do not use (`data`, `urls`, `platform`, unknown ones) may hold anything: they are
 * part of the stored bytes and of nothing else.
 *
 * @param path where it stands in the manifest, for the error
 * @throws RegistryError MANIFEST_INVALID
 */
export function parseDescriptor(value: unknown, path: string): Descriptor {
  if (!isJsonObject(value)) throw manifestInvalid(path, 'a descriptor is an object')
  refuseCaseVariants(value, FIELDS, path)
  const digest = tryParseDigest(member(value, 'digest'))
  if (digest === undefined) {
    throw manifestInvalid(
      `${path}.digest`,
      'it is not sha256: or sha512: with lower-case hex digits',
    )
  }
  const mediaType = parseMediaType(member(value, 'mediaType'), `${path}.mediaType`)
  if (mediaType === undefined) throw manifestInvalid(`${path}.mediaType`, 'it is missing')
  return { mediaType, digest, size: parseSize(member(value, 'size'), `${path}.size`) }
}

/**
 * Reads a media type; `undefined` when there is none.
 *
 * @throws RegistryError MANIFEST_INVALID
 */
export function parseMediaType(value: unknown, path: string): string | undefined {
  if (value === undefined) return undefined
  if (
    typeof value === 'string' &&
    value.length <= MEDIA_TYPE_MAX_LENGTH &&
    MEDIA_TYPE.test(value)
  ) {
    return value
  }
  throw manifestInvalid(path, 'it is not a media type')
}

/** Sizes beyond 2^53 cannot be compared exactly here, and no disk holds them. */
function parseSize(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw manifestInvalid(path, 'it is not a whole number of bytes from 0 to 2^53 - 1')
}

/** Field names by their folded form, for {@link refuseCaseVariants}. */
export type FoldedFields = ReadonlyMap<string, string>

/** Prepares field names for {@link refuseCaseVariants}. */
export function foldedFields(fields: readonly string[]): FoldedFields {
  return new Map(fields.map((field) => [fold(field), field]))
}

/** Up first, so that U+017F (long s) becomes S and then s, as Go folds it; down maps U+212A (Kelvin) to k. */
function fold(key: string): string {
  return key.toUpperCase().toLowerCase()
}

/** No field is longer; unfolded long keys cost nothing then. */
const FIELD_MAX_LENGTH = 16

/**
 * Refuses keys that are one of `fields` in another case. Go's decoder, and so most clients, takes `Layers` for
 * `layers`; we do not, and a document that two readers see differently must not get a digest here.
 *
 * @throws RegistryError MANIFEST_INVALID
 */
export function refuseCaseVariants(object: JsonObject, fields: FoldedFields, path: string): void {
  for (const key of Object.keys(object)) {
    if (key.length > FIELD_MAX_LENGTH) continue
    const field = fields.get(fold(key))
    if (field !== undefined && field !== key) {
      throw manifestInvalid(
        path,
        `it has the key ${JSON.stringify(key)}, which some take for ${field}`,
      )
    }
  }
}

/** The error for a manifest that breaks a rule, naming the place. */
export function manifestInvalid(path: string, why: string): RegistryError {
  return new RegistryError('MANIFEST_INVALID', {
    message: `manifest invalid: ${path}: ${why}`.slice(0, 400),
    detail: { path, reason: why.slice(0, 300) },
  })
}
