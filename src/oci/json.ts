import { RegistryError } from './errors.ts'

/**
 * Deepest nesting we read. Real manifests nest 4 to 6 deep; Go's decoder, which most clients use, stops at 10000,
 * and anything that walks a value recursively stops earlier.
 */
export const JSON_MAX_DEPTH = 64

/** A JSON object as it was parsed: only its own keys count (`__proto__` is an ordinary one here). */
export type JsonObject = Readonly<Record<string, unknown>>

/** True for a JSON object: not an array, not null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * A key of a JSON object, never of its prototype. `null` counts as absent: Go writes `null` for a list or a map
 * that was never filled.
 */
export function member(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? (object[key] ?? undefined) : undefined
}

/**
 * Parses the JSON of a manifest, so strictly that every reader of these bytes sees the same document.
 *
 * Two parsers that disagree about one digest are how a signature check is fooled (CVE-2021-41190 is of that family),
 * so whatever parsers are known to disagree about is refused: bytes that are not UTF-8, a byte order mark, two keys of
 * one object that are the same after unescaping, and text that is half of a surrogate pair. Nesting is bounded by
 * {@link JSON_MAX_DEPTH}. The time taken is linear in the number of bytes.
 *
 * @throws RegistryError MANIFEST_INVALID, whose detail says where
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const text = decode(bytes)
  scan(text)
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid('it is not JSON', undefined, error)
    throw error
  }
}

function decode(bytes: Uint8Array): string {
  if (bytes.length === 0) throw invalid('it is empty')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) throw invalid('it is not UTF-8', undefined, error)
    throw error
  }
  if (text.charCodeAt(0) === 0xfeff) throw invalid('it begins with a byte order mark')
  return text
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d

/**
 * One pass over the text for what `JSON.parse` lets through. It does not check the grammar, `JSON.parse` does that
 * afterwards: it only needs to agree with it on text that *is* JSON, where a string followed by `:` is always a key
 * of the innermost object. No recursion, so nesting cannot exhaust the stack.
 */
function scan(text: string): void {
  // For each open bracket the keys seen in it: undefined until the first one, since most objects stay small.
  const open: (Set<string> | undefined)[] = []
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        if (open.length === JSON_MAX_DEPTH) throw invalid('it is nested too deeply', at)
        open.push(undefined)
        break
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        open.pop()
        break
      case QUOTE: {
        const end = endOfString(text, at)
        const value = readString(text, at, end)
        if (isFollowedByColon(text, end)) addKey(open, value, at)
        at = end
        break
      }
      default:
    }
  }
}

/** The place of the quote that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = start
  do {
    end = text.indexOf('"', end + 1)
    if (end === -1) throw invalid('a string has no end', start)
  } while (isEscaped(text, end))
  return end
}

/**
 * Whether an odd number of backslashes stands before `at`. The run may be long, but each one is looked at for only
 * one quote, so the whole stays linear.
 */
function isEscaped(text: string, at: number): boolean {
  let before = at - 1
  while (text.charCodeAt(before) === BACKSLASH) before--
  return (at - before) % 2 === 0
}

function readString(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end)
  // Decoded UTF-8 is always well formed, so only an escape can make half of a pair.
  if (!raw.includes('\\')) return raw
  let value: string
  try {
    value = JSON.parse(text.slice(start, end + 1)) as string
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid('a string is not JSON', start, error)
    throw error
  }
  if (!value.isWellFormed()) throw invalid('a string holds half of a surrogate pair', start)
  return value
}

function isFollowedByColon(text: string, end: number): boolean {
  let at = end + 1
  while (isSpace(text.charCodeAt(at))) at++
  return text.charCodeAt(at) === COLON
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

function addKey(open: (Set<string> | undefined)[], key: string, at: number): void {
  const level = open.length - 1
  if (level < 0) throw invalid('it is not JSON', at)
  const keys = (open[level] ??= new Set())
  if (keys.has(key)) throw invalid('an object has the same key twice', at)
  keys.add(key)
}

function invalid(why: string, at?: number, cause?: unknown): RegistryError {
  return new RegistryError('MANIFEST_INVALID', {
    message: `manifest invalid: ${why}`,
    detail: at === undefined ? { reason: why } : { reason: why, position: at },
    cause,
  })
}
