import type { Tag } from './name.ts'

/** Which tags are meant: a tag, in which `*` stands for any characters, none included. `v*` is `v1` and `v1.2-rc`. */
export type TagPattern = string & { readonly __brand: 'TagPattern' }

/** No tag is longer. */
const MAX_LENGTH = 128

/** Reads a pattern; `undefined` when it is none, or could never be a tag. */
export function tryParseTagPattern(text: unknown): TagPattern | undefined {
  if (typeof text !== 'string' || text.length > MAX_LENGTH) return undefined
  return /^[a-zA-Z0-9_*][a-zA-Z0-9._*-]*$/.test(text) ? (text as TagPattern) : undefined
}

/** Some patterns as one question: which tags any of them means. */
export class TagSet {
  readonly #exact: ReadonlySet<string>
  /** What stands between the stars of each of the others. */
  readonly #starred: readonly (readonly string[])[]

  constructor(patterns: readonly TagPattern[]) {
    this.#exact = new Set(patterns.filter((pattern) => !pattern.includes('*')))
    this.#starred = patterns
      .filter((pattern) => pattern.includes('*'))
      .map((pattern) => pattern.split(/\*+/))
  }

  has(tag: Tag): boolean {
    return this.#exact.has(tag) || this.#starred.some((pieces) => fits(pieces, tag))
  }
}

/** Each piece at the first place where it stands: no regular expression, whose time a pattern could make explode. */
function fits(pieces: readonly string[], tag: string): boolean {
  const [first = '', ...rest] = pieces
  const last = rest.pop() ?? ''
  if (!tag.startsWith(first) || !tag.endsWith(last)) return false
  let at = first.length
  for (const piece of rest) {
    const found = tag.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return at + last.length <= tag.length
}
