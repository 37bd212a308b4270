import { mapLimited } from './limited.ts'
import { readManifestBytes } from './pull.ts'
import type { FactsCache, StoredFacts } from './facts-cache.ts'
import type { Digest } from '../oci/digest.ts'
import type { ManifestDescriptor } from '../oci/manifest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Abortable, RegistryReader } from './ports.ts'

/** Manifests of one list read at once; each may be 4 MiB. */
const READ_AT_ONCE = 4

/**
 * Descriptors of the manifests that refer to `subject` (distribution-spec, "Listing Referrers"), in the order of their
 * digests. Trees only claim who refers to whom: what counts is the `subject` in the manifest itself.
 */
export async function listReferrers(
  reader: RegistryReader,
  name: RepositoryName,
  subject: Digest,
  options: Abortable & { facts: FactsCache; artifactType?: string | undefined },
): Promise<ManifestDescriptor[]> {
  const { artifactType } = options
  const digests = await reader.referrers(name, subject, options)
  const all = await mapLimited(digests, READ_AT_ONCE, (digest) =>
    factsOf(reader, name, digest, options),
  )
  return all
    .filter((facts) => facts?.subject === subject)
    .flatMap((facts) => facts?.descriptor ?? [])
    .filter((descriptor) => artifactType === undefined || descriptor.artifactType === artifactType)
}

/** `undefined` when the manifest is not there (any more), or is none of ours. */
async function factsOf(
  reader: RegistryReader,
  name: RepositoryName,
  digest: Digest,
  { facts, signal }: Abortable & { facts: FactsCache },
): Promise<StoredFacts | undefined> {
  const content = await reader.manifest(name, digest, { signal })
  if (content === undefined) return undefined
  const known = facts.peek(digest)
  if (known !== undefined) return known
  const bytes = await readManifestBytes(content, { signal })
  return bytes && facts.of(digest, bytes)
}
