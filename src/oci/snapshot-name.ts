import { tryParseName } from './name.ts'
import type { RepositoryName } from './name.ts'

/** A repository as it was under an old root. */
export interface SnapshotName {
  /** The root, as text: what it means is not a matter of names. */
  readonly root: string
  readonly name: RepositoryName
}

/** `at`, a CID in base32, and the repository's name: all of it is also the name of a repository. */
const PATTERN = /^at\/(baf[a-z2-7]{50,100})\/(.+)$/

/**
 * Reads the name of a repository in the past: `at/<root>/team/app` is `team/app` as it was under that root. So every
 * client can pull it, and nothing but the name has to be said. `undefined` for all other names.
 */
export function snapshotNameOf(name: RepositoryName): SnapshotName | undefined {
  const [, root, rest] = PATTERN.exec(name) ?? []
  const inner = tryParseName(rest)
  return root === undefined || inner === undefined ? undefined : { root, name: inner }
}
