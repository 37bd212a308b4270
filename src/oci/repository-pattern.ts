import { tryParseName } from './name.ts'
import type { RepositoryName } from './name.ts'

/**
 * Which repositories are meant: a name, in which `*` stands for any characters within one part, and `**` as a whole part
 * for any number of parts, none included. `team/*` is `team/app` and not `team/app/web`; `team/**` is all of these and
 * `team` itself; `**` is every repository.
 */
export type RepositoryPattern = string & { readonly __brand: 'RepositoryPattern' }

/** Longest pattern: no name is longer. */
const MAX_LENGTH = 255

/** Reads a pattern; `undefined` when it is none, or could never be a repository's name. */
export function tryParsePattern(text: unknown): RepositoryPattern | undefined {
  if (typeof text !== 'string' || text.length > MAX_LENGTH) return undefined
  return text.split('/').every(isPart) ? (text as RepositoryPattern) : undefined
}

function isPart(part: string): boolean {
  if (part === '**') return true
  if (part.includes('**')) return false
  return part.includes('*') ? /^[a-z0-9._*-]+$/.test(part) : tryParseName(part) !== undefined
}

/** Some repositories as a question. */
export interface RepositoryView {
  has(name: RepositoryName): boolean
  /** Whether a repository may be meant whose name is, or begins with, these parts. */
  mayHold(parts: readonly string[]): boolean
}

/** The repositories that exist through a tree. */
export interface Repositories extends RepositoryView {
  /** Whether every repository is meant, so that nothing has to be asked. */
  readonly isAll: boolean
}

/** Some patterns as one question: which repositories any of them means. */
export class RepositorySet implements Repositories {
  readonly isAll: boolean
  /** The patterns, each once and in order: two sets with the same text mean the same. */
  readonly text: string
  readonly #patterns: readonly (readonly string[])[]

  constructor(patterns: readonly RepositoryPattern[]) {
    this.text = [...new Set(patterns)].toSorted().join(' ')
    this.isAll = patterns.some((pattern) => /^\*\*(\/\*\*)*$/.test(pattern))
    this.#patterns = patterns.map((pattern) => pattern.split('/'))
  }

  has(name: RepositoryName): boolean {
    if (this.isAll) return true
    const parts = name.split('/')
    return this.#patterns.some((pattern) => walk(pattern, parts).has(pattern.length))
  }

  /** Whether a repository may be meant whose name is, or begins with, these parts. */
  mayHold(parts: readonly string[]): boolean {
    return this.isAll || this.#patterns.some((pattern) => walk(pattern, parts).size > 0)
  }
}

/** Every repository. */
export const ALL_REPOSITORIES = new RepositorySet(['**' as RepositoryPattern])

/**
 * All places in a pattern that some parts can lead to. A set of places instead of trying one way after the other: the
 * time is the product of the two lengths, whatever the pattern.
 */
function walk(pattern: readonly string[], parts: readonly string[]): ReadonlySet<number> {
  let places = withSkipped(pattern, new Set([0]))
  for (const part of parts) {
    const next = new Set<number>()
    for (const at of places) {
      const wanted = pattern[at]
      if (wanted === '**') next.add(at)
      else if (wanted !== undefined && matches(wanted, part)) next.add(at + 1)
    }
    places = withSkipped(pattern, next)
  }
  return places
}

/** `**` may stand for nothing. */
function withSkipped(pattern: readonly string[], places: Set<number>): Set<number> {
  for (const at of places) {
    if (pattern[at] === '**') places.add(at + 1) // a set that grows while it is walked is walked to its new end
  }
  return places
}

/** Whether a part fits one with stars: greedily, going back only to the last star, which is enough. */
function matches(wanted: string, part: string): boolean {
  let [at, star, from] = [0, -1, 0]
  for (let i = 0; i < part.length;) {
    if (wanted[at] === '*') {
      star = at++
      from = i
    } else if (wanted[at] === part[i]) {
      at++
      i++
    } else if (star >= 0) {
      at = star + 1
      i = ++from
    } else return false
  }
  return /^\**$/.test(wanted.slice(at))
}
