import { RepositorySet } from './repository-pattern.ts'
import type { RepositoryName } from './name.ts'
import type { Repositories, RepositoryPattern } from './repository-pattern.ts'

/** What is said of some repositories. */
export interface PublishRule {
  readonly match: readonly RepositoryPattern[]
  /** Whether they are in the tree that is published. */
  readonly publish: boolean
}

/** Which repositories are published: the first rule that means a repository decides, and without one it is published. */
export class PublishRules {
  /** The rules as text: two with the same text decide the same. Empty when everything is published. */
  readonly text: string
  readonly #rules: readonly { set: RepositorySet; publish: boolean }[]

  constructor(rules: readonly PublishRule[] = []) {
    this.#rules = rules.map(({ match, publish }) => ({ set: new RepositorySet(match), publish }))
    const lines = this.#rules.map(({ set, publish }) => `${publish ? '+' : '-'} ${set.text}`)
    this.text = this.#rules.every(({ publish }) => publish) ? '' : lines.join('\n')
  }

  isPublished(name: RepositoryName): boolean {
    return this.#rules.find(({ set }) => set.has(name))?.publish ?? true
  }
}

/**
 * The repositories that exist through a mirror. Those that are not published here are asked of none, unless its entry says
 * which it is for: it draws its tree so that each look into it is a question to it, and would hear which digests and tags
 * clients want of them.
 */
export function askedOf(mirror: RepositorySet, rules: PublishRules): Repositories {
  if (!mirror.isAll || rules.text === '') return mirror
  return { isAll: false, has: (name) => rules.isPublished(name), mayHold: () => true }
}

/** Everything is published. */
export const PUBLISH_ALL = new PublishRules()
