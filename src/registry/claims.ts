import { listedUnderTag } from './fallback-tag.ts'
import type { Digest } from '../oci/digest.ts'
import type { ManifestDescriptor } from '../oci/manifest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Abortable, RegistryReader } from './ports.ts'

/** That a tree says: this manifest refers to that subject. Only the manifest itself can prove it. */
interface Said {
  readonly digest: Digest
  /** From the index behind the fallback tag. */
  readonly descriptor?: ManifestDescriptor
}

/** What one or more trees say of one digest. */
export interface Claim<Tree> {
  readonly digest: Digest
  /** Who says so, in their order, with the descriptor each has of it. */
  readonly by: ReadonlyMap<Tree | undefined, ManifestDescriptor | undefined>
}

/** What a tree says in its `referrers/`; `undefined` when that is nothing. */
export async function linkedReferrers(
  reader: RegistryReader,
  name: RepositoryName,
  subject: Digest,
  options: Abortable,
): Promise<Said[] | undefined> {
  const digests = await reader.referrers(name, subject, options)
  return digests.length === 0 ? undefined : digests.map((digest) => ({ digest }))
}

/** What a tree says under its fallback tag; `undefined` when that is nothing. */
export async function taggedReferrers(
  reader: RegistryReader,
  name: RepositoryName,
  subject: Digest,
  options: Abortable,
): Promise<Said[] | undefined> {
  const descriptors = await listedUnderTag(reader, name, subject, options)
  return descriptors.length === 0
    ? undefined
    : descriptors.map((descriptor) => ({ digest: descriptor.digest, descriptor }))
}

/** Brings together what several trees say: each digest once, in ASCII order. */
export function mergeClaims<Tree>(
  answers: readonly { mirror: Tree | undefined; answer: readonly Said[] }[],
): Claim<Tree>[] {
  const claims = new Map<Digest, Map<Tree | undefined, ManifestDescriptor | undefined>>()
  for (const { mirror, answer } of answers) {
    for (const { digest, descriptor } of answer) {
      const by = claims.get(digest) ?? new Map<Tree | undefined, ManifestDescriptor | undefined>()
      claims.set(digest, by.set(mirror, by.get(mirror) ?? descriptor))
    }
  }
  return [...claims]
    .map(([digest, by]) => ({ digest, by }))
    .sort((a, b) => (a.digest < b.digest ? -1 : 1))
}
