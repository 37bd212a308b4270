import { createHash } from 'node:crypto'
import type { PublicKey } from './public-key.ts'

/** Some keys, of which any may have signed. */
export class KeySet {
  /** The same keys have the same id, in whatever order and files they are: what was proven with them stays proven. */
  readonly id: string
  readonly #keys: readonly PublicKey[]

  constructor(keys: readonly PublicKey[]) {
    this.#keys = [...new Map(keys.map((key) => [key.fingerprint, key])).values()]
    const prints = this.#keys.map(({ fingerprint }) => fingerprint).toSorted()
    this.id = createHash('sha256').update(prints.join()).digest('hex').slice(0, 32)
  }

  /** Whether one of the keys made the signature of these bytes. */
  async verify(message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    for (const key of this.#keys) if (await key.verify(message, signature)) return true
    return false
  }
}
