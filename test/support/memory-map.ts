import type { DurableMap } from '../../src/registry/ports.ts'

/** A map that is as durable as the variable that holds it. */
export class MemoryMap implements DurableMap {
  readonly #entries = new Map<string, Uint8Array>()

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#entries.get(key)
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    this.#entries.set(key, Uint8Array.from(value))
  }

  async putAll(entries: ReadonlyMap<string, Uint8Array>): Promise<void> {
    for (const [key, value] of entries) await this.put(key, value)
  }

  async delete(key: string): Promise<void> {
    this.#entries.delete(key)
  }

  async *entries(prefix = ''): AsyncGenerator<[string, Uint8Array]> {
    const keys = [...this.#entries.keys()].filter((key) => key.startsWith(prefix)).sort()
    for (const key of keys) {
      const value = this.#entries.get(key)
      if (value !== undefined) yield [key, value]
    }
  }
}
