import { parseDescriptor, parseMediaType } from '../oci/descriptor.ts'
import { isRegistryError } from '../oci/errors.ts'
import { isJsonObject, member, parseStrictJson } from '../oci/json.ts'
import { REFERENCES_MAX } from '../oci/manifest.ts'
import { OCI_IMAGE_INDEX, isManifestMediaType } from '../oci/media-type.ts'
import type { ManifestDescriptor } from '../oci/manifest.ts'

/**
 * What the index behind a fallback tag lists. Anyone may push anything under that tag, so this never fails: what is no
 * image index lists nothing, and an entry that is no descriptor of a manifest is passed over.
 *
 * @param bytes at most as many as a manifest may have
 */
export function readFallbackIndex(bytes: Uint8Array): ManifestDescriptor[] {
  const root = orUndefined(() => parseStrictJson(bytes))
  if (!isJsonObject(root) || (member(root, 'mediaType') ?? OCI_IMAGE_INDEX) !== OCI_IMAGE_INDEX)
    return []
  const entries = member(root, 'manifests')
  if (!Array.isArray(entries)) return []
  return entries
    .slice(0, REFERENCES_MAX)
    .flatMap((entry: unknown) => orUndefined(() => parseEntry(entry)) ?? [])
}

/** @throws RegistryError MANIFEST_INVALID */
function parseEntry(entry: unknown): ManifestDescriptor | undefined {
  const descriptor = parseDescriptor(entry, '$')
  if (!isJsonObject(entry) || !isManifestMediaType(descriptor.mediaType)) return undefined
  const artifactType = parseMediaType(member(entry, 'artifactType') || undefined, '$.artifactType')
  const annotations = member(entry, 'annotations')
  if (annotations !== undefined && !isTexts(annotations)) return undefined
  return {
    ...descriptor,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  }
}

function isTexts(value: unknown): value is Record<string, string> {
  return isJsonObject(value) && Object.values(value).every((text) => typeof text === 'string')
}

function orUndefined<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (isRegistryError(error, 'MANIFEST_INVALID')) return undefined
    throw error
  }
}
