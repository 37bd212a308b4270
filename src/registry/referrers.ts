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
import type { Listed } from './signatures/repository-rules.ts'

/** Manifests of one list read at once; each may be 4 MiB. */
const READ_AT_ONCE = 4
const NOTHING = new Uint8Array(0)

/** How {@link listReferrers} lists. */
export interface ReferrersOptions extends Abortable, ReferrersPage {
  facts: FactsCache
  /** Which of them may be told of; all, without it. */
  isListed?: Listed | undefined
}

/**
 * Descriptors of the manifests that refer to `subject` (distribution-spec, "Listing Referrers"), in the order of their
 * digests, of whatever our own tree and the mirrors list beside it or under its fallback tag. They only claim who
 * refers to whom:
 * - a manifest that is here is listed when its own `subject` says so, as it describes itself;
 * - one that does not pass the repository's rules of signatures is not, since it is not given out;
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
    (each, how) => factsOf(each, name, digest, { ...options, ...how }),
    { signal: options.signal },
  )
  if (found !== undefined) {
    if (found.facts?.subject !== subject) return undefined
    const isListed = await options.isListed?.(digest, found.bytes, { signal: options.signal })
    return isListed === false ? undefined : found.facts.descriptor
  }
  const inDoubt = failed.find((mirror) => by.get(mirror) !== undefined)
  return inDoubt && by.get(inDoubt)
}

/** What a manifest says, and its bytes where they matter; `undefined` when it is not there, no facts when it is none that
 * we serve. */
async function factsOf(
  reader: RegistryReader,
  name: RepositoryName,
  digest: Digest,
  { facts, isListed, signal }: ReferrersOptions,
): Promise<{ facts: StoredFacts | undefined; bytes: Uint8Array } | undefined> {
  const content = await (reader.listed === undefined
    ? reader.manifest(name, digest, { signal })
    : reader.listed(name, digest, { signal }))
  if (content === undefined) return undefined
  const known = facts.peek(digest)
  if (known !== undefined && isListed === undefined) return { facts: known, bytes: NOTHING }
  const bytes = await readManifestBytes(content, { signal })
  if (bytes === undefined) return { facts: undefined, bytes: NOTHING }
  return { facts: facts.of(digest, bytes), bytes }
}
