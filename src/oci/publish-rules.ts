import { RepositorySet } from './repository-pattern.ts'
import type { RepositoryName } from './name.ts'
import type { RepositoryPattern } from './repository-pattern.ts'

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

/** Everything is published. */
export const PUBLISH_ALL = new PublishRules()
