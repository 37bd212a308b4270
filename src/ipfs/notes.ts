import { Key } from 'interface-datastore'
import { isNamed } from './errors.ts'
import type { Datastore } from 'interface-datastore'

const SPACE = '/heliport/notes'

/**
 * What is noted beside libp2p's things, in its store: another database than the registry's, and so a witness to what that
 * one should have. They are not synced: what was noted just before a power cut may be missing.
 */
export class Notes {
  readonly #datastore: Datastore

  constructor(datastore: Datastore) {
    this.#datastore = datastore
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#datastore.get(keyOf(name))
    } catch (error) {
      if (isNamed(error, 'NotFoundError')) return undefined
      throw error
    }
  }

  async put(name: string, value: Uint8Array): Promise<void> {
    await this.#datastore.put(keyOf(name), value)
  }

  /** Names that begin so. */
  async names(prefix: string): Promise<string[]> {
    const start = `${SPACE}/${prefix}`
    const keys = await Array.fromAsync(this.#datastore.queryKeys({ prefix: start }))
    return keys.map((key) => key.toString().slice(SPACE.length + 1))
  }

  async delete(name: string): Promise<void> {
    await this.#datastore.delete(keyOf(name))
  }
}

function keyOf(name: string): Key {
  return new Key(`${SPACE}/${name}`)
}
