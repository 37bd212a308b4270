import { JSON_MAX_DEPTH } from '../../oci/json.ts'

/** What comes next, outside of strings, numbers and words. */
type State =
  | 'document'
  | 'value'
  | 'first value'
  | 'key'
  | 'first key'
  | 'colon'
  | 'next'
  | 'end'
  | 'wrong'
/** What the next byte is inside of. */
type Token = 'string' | 'escape' | 'hex' | 'scalar' | undefined

const [QUOTE, BACKSLASH, COMMA, COLON, SMALL_U] = [0x22, 0x5c, 0x2c, 0x3a, 0x75]
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d]

/** Numbers and words (RFC 8259 §3, §6). */
const SCALAR = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/
const SCALAR_MAX_LETTERS = 1024
const ESCAPED = /["\\/bfnrtu]/
const HEX = /[0-9a-fA-F]/

/**
 * Checks that bytes are one JSON object (RFC 8259), piece by piece: a bill of materials may be large, and is neither kept
 * nor parsed. It knows the grammar and nothing else; that the bytes are UTF-8 is for another to see.
 */
export class JsonCheck {
  #state: State = 'document'
  #token: Token
  #scalar = ''
  #hexLeft = 0
  /** The brackets that are open. */
  readonly #open: number[] = []

  /** @returns false when it cannot become JSON any more */
  push(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length && this.#state !== 'wrong'; at++) {
      if (this.#token === 'string') at = endOfText(bytes, at)
      const byte = bytes[at]
      if (byte === undefined) break
      if (this.#token === 'scalar' && !this.#inScalar(byte)) this.#endScalar()
      if (this.#token !== undefined) this.#inToken(byte)
      else if (!isSpace(byte)) this.#state = this.#between(byte)
    }
    return this.#state !== 'wrong'
  }

  /** Whether it is whole. */
  get isWhole(): boolean {
    return this.#state === 'end'
  }

  #between(byte: number): State {
    switch (this.#state) {
      case 'document':
        return byte === OPEN_OBJECT ? this.#opens(byte) : 'wrong'
      case 'first value':
        return byte === CLOSE_ARRAY ? this.#closes(byte) : this.#value(byte)
      case 'value':
        return this.#value(byte)
      case 'first key':
        return byte === CLOSE_OBJECT ? this.#closes(byte) : this.#key(byte)
      case 'key':
        return this.#key(byte)
      case 'colon':
        return byte === COLON ? 'value' : 'wrong'
      case 'next':
        if (byte !== COMMA) return this.#closes(byte)
        return this.#open.at(-1) === OPEN_OBJECT ? 'key' : 'value'
      default:
        return 'wrong'
    }
  }

  #value(byte: number): State {
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) return this.#opens(byte)
    if (byte === QUOTE) return this.#string('next')
    if (!isScalar(byte)) return 'wrong'
    this.#token = 'scalar'
    this.#scalar = String.fromCharCode(byte)
    return 'next'
  }

  #key(byte: number): State {
    return byte === QUOTE ? this.#string('colon') : 'wrong'
  }

  #string(after: State): State {
    this.#token = 'string'
    return after
  }

  #opens(byte: number): State {
    if (this.#open.length === JSON_MAX_DEPTH) return 'wrong'
    this.#open.push(byte)
    return byte === OPEN_OBJECT ? 'first key' : 'first value'
  }

  #closes(byte: number): State {
    const open = this.#open.pop()
    const isObject = open === OPEN_OBJECT && byte === CLOSE_OBJECT
    const isArray = open === OPEN_ARRAY && byte === CLOSE_ARRAY
    if (!isObject && !isArray) return 'wrong'
    return this.#open.length === 0 ? 'end' : 'next'
  }

  /** @returns false when it has ended before this byte */
  #inScalar(byte: number): boolean {
    return isScalar(byte) && this.#scalar.length < SCALAR_MAX_LETTERS
  }

  #endScalar(): void {
    this.#token = undefined
    if (!SCALAR.test(this.#scalar)) this.#state = 'wrong'
  }

  #inToken(byte: number): void {
    const letter = String.fromCharCode(byte)
    switch (this.#token) {
      case 'scalar':
        this.#scalar += letter
        break
      case 'escape':
        if (!ESCAPED.test(letter)) this.#state = 'wrong'
        this.#token = byte === SMALL_U ? 'hex' : 'string'
        this.#hexLeft = 4
        break
      case 'hex':
        if (!HEX.test(letter)) this.#state = 'wrong'
        if (--this.#hexLeft === 0) this.#token = 'string'
        break
      default:
        if (byte === QUOTE) this.#token = undefined
        else if (byte === BACKSLASH) this.#token = 'escape'
        else this.#state = 'wrong'
    }
  }
}

/** The place of the next byte of a string that is more than text. */
function endOfText(bytes: Uint8Array, from: number): number {
  let at = from
  for (; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (byte === QUOTE || byte === BACKSLASH || byte < 0x20) break
  }
  return at
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** Whether it may stand in a number or a word. */
function isScalar(byte: number): boolean {
  const isDigit = byte >= 0x30 && byte <= 0x39
  const isLetter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a
  return isDigit || isLetter || byte === 0x2b || byte === 0x2d || byte === 0x2e
}
