import { JsonCheck } from './json-check.ts'
import { TAR_HEADER_BYTES, isTarHeader } from './tar-header.ts'

/** What a document says that it is. */
export type Form = 'json' | 'xml' | 'json or xml' | 'spdx'

/** How documents of each form begin. JSON is read as a whole. */
const BEGINNINGS: Readonly<Record<Form, RegExp>> = {
  json: /^\s*\{/,
  xml: /^\s*<[?!a-zA-Z]/,
  'json or xml': /^\s*(\{|<[?!a-zA-Z])/,
  spdx: /^\s*SPDXVersion:/,
}

/**
 * Checks that bytes are a document and nothing that a client would unpack or run as a program: text (UTF-8 without control
 * characters, which every compressed file, every binary and all but a strange archive has), no archive either, and of the
 * form that they say; JSON from the first brace to the last. A few clients take a layer for a file system whatever its type
 * says, so that the type is no proof.
 */
export class TextCheck {
  readonly #form: Form
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  readonly #json = new JsonCheck()
  #head = new Uint8Array(0)
  #isJson: boolean | undefined
  #isGood = true

  constructor(form: Form) {
    this.#form = form
  }

  /** @returns false when it is none, whatever else comes */
  push(bytes: Uint8Array): boolean {
    this.#isGood &&= this.#isText(bytes)
    if (!this.#isGood) return false
    const missing = TAR_HEADER_BYTES - this.#head.length
    if (missing > 0) this.#head = Buffer.concat([this.#head, bytes.subarray(0, missing)])
    this.#isJson ??= isObject(bytes)
    if (this.#isJson !== false) this.#isGood = this.#json.push(bytes)
    return this.#isGood
  }

  /** Whether all that was pushed is such a document, now that it has ended. */
  end(): boolean {
    if (!this.#isGood || !this.#decodes(new Uint8Array(0), false)) return false
    if (isTarHeader(this.#head)) return false
    if (!BEGINNINGS[this.#form].test(Buffer.from(this.#head).toString('latin1'))) return false
    return this.#isJson !== true || this.#json.isWhole
  }

  #isText(bytes: Uint8Array): boolean {
    return !hasControls(bytes) && this.#decodes(bytes, true)
  }

  #decodes(bytes: Uint8Array, stream: boolean): boolean {
    try {
      this.#decoder.decode(bytes, { stream })
      return true
    } catch (error) {
      if (error instanceof TypeError) return false
      throw error
    }
  }
}

/** Whether a document that begins so is JSON; `undefined` as long as there is nothing but space. */
function isObject(bytes: Uint8Array): boolean | undefined {
  const first = bytes.find((byte) => byte > 0x20)
  return first === undefined ? undefined : first === 0x7b
}

function hasControls(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return true
  }
  return false
}
