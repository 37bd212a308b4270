import { subjectKey } from '../oci/companion-tag.ts'
import { parseTag } from '../oci/name.ts'
import { readFallbackIndex } from './fallback-index.ts'
import { readManifestBytes } from './pull.ts'
import type { Digest } from '../oci/digest.ts'
import type { ManifestDescriptor } from '../oci/manifest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { Abortable, RegistryReader } from './ports.ts'

/**
 * The tag under which clients keep an index of referrers where the registry has no referrers API (distribution-spec,
 * "Referrers Tag Schema": the hex digits cut to 64).
 */
function fallbackTag(subject: Digest): Tag {
  return parseTag(subjectKey(subject))
}

/** Whether a tag may be that of an index of referrers. */
export function isFallbackTag(tag: Tag): boolean {
  return /^sha(256|512)-[a-f0-9]{64}$/.test(tag)
}

/**
 * The referrers that a reader's fallback tag lists: what was pushed to a stock registry, or by a client that was told to
 * use such tags, has nothing else, and a registry with the API has to go on listing it (distribution-spec, "Enabling the
 * Referrers API"). Whether they really refer to the subject is for their manifests to say.
 *
 * @throws what the reader throws; nothing about what is in the index
 */
export async function listedUnderTag(
  reader: RegistryReader,
  name: RepositoryName,
  subject: Digest,
  options: Abortable,
): Promise<ManifestDescriptor[]> {
  const digest = await reader.resolveTag(name, fallbackTag(subject), options)
  const content = digest && (await reader.manifest(name, digest, options))
  const bytes = content && (await readManifestBytes(content, options))
  return bytes === undefined ? [] : readFallbackIndex(bytes)
}
