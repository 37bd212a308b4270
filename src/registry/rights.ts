import type { RepositoryName, Tag } from '../oci/name.ts'
import type { RepositoryView } from '../oci/repository-pattern.ts'

/** What the one who asks may do beyond what he was let in for. */
export interface Rights {
  /** Whose uploads are his; `undefined`: nobody's in particular. */
  readonly user: string | undefined
  mayPull(name: RepositoryName): boolean
  mayOverwrite(name: RepositoryName): boolean
  /** The repositories he may see in a listing of all; `undefined`: all. */
  readonly view: RepositoryView | undefined
}

/** What holds for everybody, whoever asks. It may change while the registry is used. */
export interface StandingRules {
  /** Nothing can be changed. */
  readonly readOnly: boolean
  /** Whether there may be tags that stay in a repository. */
  hasImmutable(name: RepositoryName): boolean
  /** Whether a tag, once it is there, is neither moved nor deleted. */
  isImmutable(name: RepositoryName, tag: Tag): boolean
}
