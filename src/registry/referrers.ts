import { mapLimited } from './limited.ts'
import { PageOfReferrers } from './referrers-page.ts'
import { readManifestBytes } from './pull.ts'
import type { FactsCache, StoredFacts } from './facts-cache.ts'
import type { Digest } from '../oci/digest.ts'
import type { ManifestDescriptor } from '../oci/manifest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Claim } from './claims.ts'
import type { Mirror } from './mirror.ts'
import type { OverlayReader } from './overlay-reader.ts'
import type { Abortable, ReferrersList, ReferrersPage, RegistryReader } from './ports.ts'

/** Manifests of one list read at once; each may be 4 MiB. */
const READ_AT_ONCE = 4

/** How {@link listReferrers} lists. */
export interface ReferrersOptions extends Abortable, ReferrersPage {
  facts: FactsCache
}

/**
 * Descriptors of the manifests that refer to `subject` (distribution-spec, "Listing Referrers"), in the order of their
 * digests, of whatever our own tree and the mirrors list beside it or under its fallback tag. They only claim who
 * refers to whom:
 * - a manifest that is here is listed when its own `subject` says so, as it describes itself;
 * - one that is nowhere is not: the list is of manifests in this repository, and a fallback tag goes on naming what was
 *   deleted through the referrers API;
 * - one of a mirror that claims it and cannot be read now is listed as its fallback tag describes it.
 *
 * Annotations may be long and claims many, so it reads a few at a time, and no further than the page is.
 */
export async function listReferrers(
  reader: OverlayReader,
  name: RepositoryName,
  subject: Digest,
  options: ReferrersOptions,
): Promise<ReferrersList> {
  const { after = '', signal } = options
  const claims = await reader.claims(name, subject, { signal })
  const left = claims.filter(({ digest }) => digest > after)
  const page = new PageOfReferrers(options)
  for (let at = 0; at < left.length && !page.more; at += READ_AT_ONCE) {
    const some = left.slice(at, at + READ_AT_ONCE)
    const checked = await mapLimited(some, READ_AT_ONCE, (claim) =>
      check(reader, name, subject, claim, options),
    )
    for (const descriptor of checked) if (descriptor !== undefined) page.add(descriptor)
  }
  return { manifests: page.manifests, more: page.more, notices: reader.notices }
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
