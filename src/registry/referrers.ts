import { mapLimited } from './limited.ts'
import { readManifestBytes } from './pull.ts'
import type { FactsCache, StoredFacts } from './facts-cache.ts'
import type { Digest } from '../oci/digest.ts'
import type { ManifestDescriptor } from '../oci/manifest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Claim } from './claims.ts'
import type { Mirror } from './mirror.ts'
import type { OverlayReader } from './overlay-reader.ts'
import type { Abortable, ReferrersList, RegistryReader } from './ports.ts'

/** Manifests of one list read at once; each may be 4 MiB. */
const READ_AT_ONCE = 4

/** How {@link listReferrers} lists. */
export interface ReferrersOptions extends Abortable {
  facts: FactsCache
  artifactType?: string | undefined
  /** Only digests after this one. */
  after?: string | undefined
}

/**
 * Descriptors of the manifests that refer to `subject` (distribution-spec, "Listing Referrers"), in the order of their
 * digests, of whatever our own tree and the mirrors list beside it or under its fallback tag. They only claim who
 * refers to whom:
 * - a manifest that is here is listed when its own `subject` says so, as it describes itself;
 * - one that is nowhere is not: the list is of manifests in this repository, and a fallback tag goes on naming what was
 *   deleted through the referrers API;
 * - one of a mirror that claims it and cannot be read now is listed as its fallback tag describes it.
 */
export async function listReferrers(
  reader: OverlayReader,
  name: RepositoryName,
  subject: Digest,
  options: ReferrersOptions,
): Promise<ReferrersList> {
  const { artifactType, after = '' } = options
  const claims = await reader.claims(name, subject, { signal: options.signal })
  const checked = await mapLimited(
    claims.filter(({ digest }) => digest > after),
    READ_AT_ONCE,
    (claim) => check(reader, name, subject, claim, options),
  )
  const manifests = checked
    .filter((descriptor) => descriptor !== undefined)
    .filter((descriptor) => artifactType === undefined || descriptor.artifactType === artifactType)
  return { manifests, notices: reader.notices }
}

async function check(
  reader: OverlayReader,
  name: RepositoryName,
  subject: Digest,
  { digest, by }: Claim<Mirror>,
  options: ReferrersOptions,
): Promise<ManifestDescriptor | undefined> {
  const { found, failed } = await reader.find(
    (each, how) => factsOf(each, name, digest, { ...how, facts: options.facts }),
    { signal: options.signal },
  )
  if (found?.facts?.subject === subject) return found.facts.descriptor
  if (found !== undefined) return undefined
  const inDoubt = failed.find((mirror) => by.get(mirror) !== undefined)
  return inDoubt && by.get(inDoubt)
}

/** `undefined` when the manifest is not there; without facts when it is none that we serve. */
async function factsOf(
  reader: RegistryReader,
  name: RepositoryName,
  digest: Digest,
  { facts, signal }: Abortable & { facts: FactsCache },
): Promise<{ facts: StoredFacts | undefined } | undefined> {
  const content = await reader.manifest(name, digest, { signal })
  if (content === undefined) return undefined
  const known = facts.peek(digest)
  if (known !== undefined) return { facts: known }
  const bytes = await readManifestBytes(content, { signal })
  return { facts: bytes && facts.of(digest, bytes) }
}
