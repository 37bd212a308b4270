import { companionSubject } from '../oci/companion-tag.ts'
import { RepositorySet } from '../oci/repository-pattern.ts'
import { TagSet } from '../oci/tag-pattern.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { RepositoryPattern } from '../oci/repository-pattern.ts'
import type { TagPattern } from '../oci/tag-pattern.ts'
import type { TagTime } from '../oci/tag-time.ts'

/** Of the tags that match, in each repository that matches, the newest `keep` stay. */
export interface TagRule {
  readonly repositories: readonly RepositoryPattern[]
  readonly tags: readonly TagPattern[]
  readonly keep: number
  /** Only what was pushed longer ago goes, in ms; `null`: however new. */
  readonly olderThan: number | null
}

/** Tags of one repository, and when each was pushed. */
export type TimedTags = ReadonlyMap<Tag, TagTime>

/** Which tags are kept. A tag stays when any rule that matches it keeps it, and when none does match. */
export class TagRules {
  /** The same text means that the same repositories are named. */
  readonly text: string
  readonly #repositories: RepositorySet
  readonly #rules: readonly {
    readonly repositories: RepositorySet
    readonly tags: TagSet
    readonly rule: TagRule
  }[]

  constructor(rules: readonly TagRule[]) {
    this.#repositories = new RepositorySet(rules.flatMap(({ repositories }) => repositories))
    this.text = this.#repositories.text
    this.#rules = rules.map((rule) => ({
      repositories: new RepositorySet(rule.repositories),
      tags: new TagSet(rule.tags),
      rule,
    }))
  }

  /** Whether any rule is about a repository. */
  areAbout(name: RepositoryName): boolean {
    return this.#repositories.has(name)
  }

  /**
   * Tags of a repository that go.
   *
   * What was only found there may have been pushed at any time before: it never takes the place of another among the
   * newest, and goes only when enough others were certainly pushed later. Tags that stand beside a manifest
   * (`oci/companion-tag.ts`) are no versions: no rule is about them.
   *
   * @param now ms since the epoch
   */
  removable(name: RepositoryName, tags: TimedTags, now: number): Tag[] {
    const verdicts = new Map<Tag, boolean>()
    const versions = [...tags].filter(([tag]) => companionSubject(tag) === undefined)
    for (const each of this.#rules) {
      if (!each.repositories.has(name)) continue
      const { keep, olderThan } = each.rule
      const matching = versions.filter(([tag]) => each.tags.has(tag))
      const oldestKept = nthNewest(matching, keep)
      for (const [tag, { order, time }] of matching) {
        const goes = order < oldestKept && (olderThan === null || now - time >= olderThan)
        verdicts.set(tag, goes && verdicts.get(tag) !== false)
      }
    }
    return [...verdicts].flatMap(([tag, goes]) => (goes ? [tag] : []))
  }
}

/** The order of the n-th newest tag of which it is known when it was pushed: what is older has n before it. */
function nthNewest(tags: readonly (readonly [Tag, TagTime])[], n: number): number {
  if (n === 0) return Infinity
  const known = tags.flatMap(([, { order, isKnown }]) => (isKnown ? [order] : []))
  return Float64Array.from(known).toSorted().at(-n) ?? -Infinity
}
