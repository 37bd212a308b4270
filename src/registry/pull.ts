import { algorithmOf, digestOf } from '../oci/digest.ts'
import { RegistryError } from '../oci/errors.ts'
import { MANIFEST_MAX_BYTES } from '../oci/manifest.ts'
import { readAll } from './read-all.ts'
import type { FactsCache } from './facts-cache.ts'
import type { Digest } from '../oci/digest.ts'
import type { Reference, RepositoryName } from '../oci/name.ts'
import type { Abortable, Content, ManifestContent, RegistryReader } from './ports.ts'

/**
 * Finds a manifest and reads it.
 *
 * @throws RegistryError MANIFEST_UNKNOWN when it is not there, or is of a kind this registry does not serve;
 * UNAVAILABLE when its bytes are damaged
 */
export async function pullManifest(
  reader: RegistryReader,
  name: RepositoryName,
  reference: Reference,
  { facts, signal }: Abortable & { facts: FactsCache },
): Promise<Omit<ManifestContent, 'notices'>> {
  const digest = await resolve(reader, name, reference, { signal })
  const content = digest && (await reader.manifest(name, digest, { signal }))
  if (digest === undefined || content === undefined) throw manifestUnknown(name, reference)
  const bytes = await readManifestBytes(content, { signal })
  const known = bytes && facts.of(digest, bytes)
  if (bytes === undefined || known === undefined) {
    // Another registry's tree may hold what we would not have taken, and there is no type to serve it under.
    throw manifestUnknown(name, reference, 'it is here, but is not a manifest this registry serves')
  }
  return { digest, mediaType: known.mediaType, bytes }
}

/**
 * Reads a manifest's bytes and proves them; `undefined` when it is larger than manifests may be.
 *
 * @throws RegistryError UNAVAILABLE when they are not what the digest says
 */
export async function readManifestBytes(
  content: Content,
  options: Abortable,
): Promise<Uint8Array | undefined> {
  if (content.size > MANIFEST_MAX_BYTES) return undefined
  const bytes = await readAll(content, options)
  const { digest } = content
  if (digestOf(bytes, algorithmOf(digest)) === digest) return bytes
  throw new RegistryError('UNAVAILABLE', {
    message: 'the stored manifest is damaged',
    detail: { digest },
    cause: new Error(`${content.id} does not hash to ${digest}`),
  })
}

/** The error for a manifest that is not here. */
export function manifestUnknown(
  name: RepositoryName,
  reference: Reference,
  message?: string,
): RegistryError {
  const which = reference.kind === 'tag' ? { tag: reference.tag } : { digest: reference.digest }
  return new RegistryError('MANIFEST_UNKNOWN', {
    detail: { name, ...which },
    ...(message === undefined ? {} : { message: `manifest unknown: ${message}` }),
  })
}

/** The error for a blob that is not here. */
export function blobUnknown(name: RepositoryName, digest: Digest): RegistryError {
  return new RegistryError('BLOB_UNKNOWN', { detail: { name, digest } })
}

function resolve(
  reader: RegistryReader,
  name: RepositoryName,
  reference: Reference,
  options: Abortable,
): Promise<Digest | undefined> {
  if (reference.kind === 'digest') return Promise.resolve(reference.digest)
  return reader.resolveTag(name, reference.tag, options)
}
