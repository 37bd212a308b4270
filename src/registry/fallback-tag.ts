import { algorithmOf, hexOf } from '../oci/digest.ts'
import { isRegistryError } from '../oci/errors.ts'
import { MANIFEST_MAX_BYTES, readManifest } from '../oci/manifest.ts'
import { parseTag } from '../oci/name.ts'
import { readAll } from './read-all.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { Abortable, RegistryReader } from './ports.ts'

/**
 * The tag under which clients keep an index of referrers where the registry has no referrers API (distribution-spec,
 * "Referrers Tag Schema": the hex digits cut to 64).
 */
function fallbackTag(subject: Digest): Tag {
  return parseTag(`${algorithmOf(subject)}-${hexOf(subject).slice(0, 64)}`)
}

/**
 * The referrers a reader knows of, also through the fallback tag: what was pushed to a stock registry has nothing
 * else, and a registry with the API has to go on listing it (distribution-spec, "Enabling the Referrers API").
 * Whether they really refer to the subject is for their manifests to say.
 */
export async function referrersOf(
  reader: RegistryReader,
  name: RepositoryName,
  subject: Digest,
  options: Abortable,
): Promise<Digest[]> {
  const known = await reader.referrers(name, subject, options)
  const listed = await listedUnderTag(reader, name, subject, options)
  return [...new Set([...known, ...listed])]
}

async function listedUnderTag(
  reader: RegistryReader,
  name: RepositoryName,
  subject: Digest,
  options: Abortable,
): Promise<Digest[]> {
  const digest = await reader.resolveTag(name, fallbackTag(subject), options)
  if (digest === undefined) return []
  const content = await reader.manifest(name, digest, options)
  if (content === undefined || content.size > MANIFEST_MAX_BYTES) return []
  try {
    return readManifest(await readAll(content, options)).manifests.map((child) => child.digest)
  } catch (error) {
    // Anyone may push anything under that tag.
    if (isRegistryError(error, 'MANIFEST_INVALID')) return []
    throw error
  }
}
