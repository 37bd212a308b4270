import { RegistryError } from './errors.ts'
import type { Digest } from './digest.ts'

/** Entity tags that a condition names, without their quotes; `any`: whatever there is (`*`). */
export type EntityTags = 'any' | ReadonlySet<string>

/**
 * For which state of something a request is meant (RFC 9110 13.1). The entity tag of a manifest or a blob, also of a
 * manifest under a tag, is its digest.
 */
export interface Conditions {
  /** `If-Match`: only while it is there and one of these. */
  readonly match?: EntityTags | undefined
  /** `If-None-Match`: only while it is not there, or none of these. */
  readonly noneMatch?: EntityTags | undefined
}

/** One entity tag (RFC 9110 8.8.3) or none, and the commas after it: lists may have empty elements (5.6.1). */
const ELEMENT = /(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"|)[\t ]*(?:,[\t ,]*|$)/y

/**
 * Reads the headers of a change that depends on what there is.
 *
 * @returns `undefined` when there are none
 * @throws RegistryError UNSUPPORTED with 400 when one cannot be read: what it was to keep from happening must not happen
 */
export function parseConditions(
  ifMatch: string | undefined,
  ifNoneMatch: string | undefined,
): Conditions | undefined {
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined
  return {
    // What is weak is never the same for sure (8.8.3.2).
    match: ifMatch === undefined ? undefined : parse('If-Match', ifMatch, 'strong'),
    noneMatch: ifNoneMatch === undefined ? undefined : parse('If-None-Match', ifNoneMatch, 'weak'),
  }
}

/**
 * Whether a request is for what there is.
 *
 * @param current what there is; `undefined`: nothing
 * @throws RegistryError DENIED with 412
 */
export function checkConditions(conditions: Conditions, current: Digest | undefined): void {
  const { match, noneMatch } = conditions
  if (match !== undefined && !names(match, current)) {
    throw failed('what is there now is not what If-Match names: look again what it is')
  }
  if (noneMatch !== undefined && names(noneMatch, current)) {
    throw failed('what If-None-Match names is there already')
  }
}

function names(tags: EntityTags, current: Digest | undefined): boolean {
  return current !== undefined && (tags === 'any' || tags.has(current))
}

/** The spec has no code of its own for it; what it is says the status. */
function failed(message: string): RegistryError {
  return new RegistryError('DENIED', { status: 412, message })
}

function parse(header: string, text: string, comparison: 'strong' | 'weak'): EntityTags {
  const list = text.replace(/^[\t ,]+/, '').trimEnd()
  if (list === '*') return 'any'
  const tags = new Set<string>()
  for (let at = 0; at < list.length; at = ELEMENT.lastIndex) {
    ELEMENT.lastIndex = at
    const [, weak, tag] = ELEMENT.exec(list) ?? malformed(header)
    if (tag !== undefined && (weak === undefined || comparison === 'weak')) tags.add(tag)
  }
  return tags
}

function malformed(header: string): never {
  throw new RegistryError('UNSUPPORTED', {
    status: 400,
    message: `${header} is neither * nor a list of entity tags, which are in double quotes`,
  })
}
