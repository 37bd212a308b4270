import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Asked, BlobFinder, RegistryWriter } from './ports.ts'

/** Our own tree: what links where, and the way to change it. */
export type MountableTree = RegistryWriter & BlobFinder

/** How often a blob is looked for again when it has just gone from where it was found. */
const ATTEMPTS = 3

/** What a client wants to have mounted. */
export interface Mount {
  name: RepositoryName
  digest: Digest
  /** `undefined`: from wherever it is. */
  from: RepositoryName | undefined
}

/**
 * Mounts a blob (distribution-spec, "Mounting a blob from another repository"). It is looked for outside the commit lane
 * and linked inside it, where its link is checked: what was deleted in between stays deleted.
 *
 * A digest alone is enough to get a blob into one's repository, so only those that the caller may pull from are looked
 * into; the others are as if they did not have it.
 *
 * @returns false when it could not be mounted
 */
export async function mountBlob(
  tree: MountableTree,
  { name, digest, from }: Mount,
  options: Asked,
): Promise<boolean> {
  const { by } = options
  const within = by && ((source: RepositoryName): boolean => by.mayPull(source))
  const isDiscreet = by?.view !== undefined
  const link = (source: RepositoryName): Promise<boolean> =>
    tree.transact((tx) => tx.mountBlob(name, digest, source), options)
  // The spec lets a registry take `from` for optional, not for a hint. Who names a repository has a reason to expect the
  // blob there, and 202 tells it what it needs to know; distribution looks there alone as well.
  if (from !== undefined) return within?.(from) === false ? false : link(from)
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const found = await tree.findBlob(digest, name, { signal: options.signal, within, isDiscreet })
    if (found === undefined) return false
    if (await link(found)) return true
  }
  return false
}
