import { RepositorySet } from '../oci/repository-pattern.ts'
import { TagSet } from '../oci/tag-pattern.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { RepositoryPattern } from '../oci/repository-pattern.ts'
import type { TagPattern } from '../oci/tag-pattern.ts'
import type { StandingRules } from '../registry/ports.ts'

/** The configuration's section `access`, as far as it holds for everybody. */
export interface StandingRulesInit {
  readonly immutableTags: readonly {
    readonly repositories: readonly RepositoryPattern[]
    readonly tags: readonly TagPattern[]
  }[]
  readonly readOnly: boolean
}

/** What holds for everybody, whoever asks: tags that stay, and a registry that only reads. */
export class FixedRules implements StandingRules {
  readonly readOnly: boolean
  readonly #immutable: readonly { repositories: RepositorySet; tags: TagSet }[]

  constructor({ immutableTags, readOnly }: StandingRulesInit) {
    this.readOnly = readOnly
    this.#immutable = immutableTags.map(({ repositories, tags }) => ({
      repositories: new RepositorySet(repositories),
      tags: new TagSet(tags),
    }))
  }

  hasImmutable(name: RepositoryName): boolean {
    return this.#immutable.some(({ repositories }) => repositories.has(name))
  }

  isImmutable(name: RepositoryName, tag: Tag): boolean {
    return this.#immutable.some(({ repositories, tags }) => tags.has(tag) && repositories.has(name))
  }
}
