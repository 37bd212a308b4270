import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** No name is longer; all are sealed as if they were so long, so that the length tells nothing. */
const NAME_BYTES = 256

/** What a sealed one begins with, and no name. */
const MARK = '~'

/** A position that was sealed by another process, or by nobody. */
export class UnknownSeal extends Error {
  static override readonly name = 'UnknownSeal'
  override readonly name = 'UnknownSeal'
}

/** Names that a client is to come back with, and not to read. They are good for as long as this process lives. */
export class SealedPositions {
  readonly #key = randomBytes(32)

  seal(name: string): string {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv(CIPHER, this.#key, nonce)
    const text = cipher.update(name.padEnd(NAME_BYTES))
    const sealed = Buffer.concat([nonce, text, cipher.final(), cipher.getAuthTag()])
    return MARK + sealed.toString('base64url')
  }

  /** @returns a name as it is when it was never sealed. @throws UnknownSeal */
  open(text: string): string {
    if (!text.startsWith(MARK)) return text
    const sealed = Buffer.from(text.slice(MARK.length), 'base64url')
    if (sealed.length !== NONCE_BYTES + NAME_BYTES + TAG_BYTES) throw new UnknownSeal()
    const decipher = createDecipheriv(CIPHER, this.#key, sealed.subarray(0, NONCE_BYTES))
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
    try {
      const name = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES))
      return Buffer.concat([name, decipher.final()]).toString('utf8').trimEnd()
    } catch (error) {
      // What OpenSSL says of a tag that is not right has no code.
      throw new UnknownSeal('a position that was not sealed here', { cause: error })
    }
  }
}
