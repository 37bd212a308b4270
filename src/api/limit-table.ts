/** Clients that are remembered: whoever has done nothing for longest is forgotten, and then is a new one. */
const MOST = 16_384

/** What is known of each client, by a key, in bounded memory: the least recently used goes. */
export class LimitTable<T> {
  readonly #make: () => T
  readonly #most: number
  readonly #entries = new Map<string, T>()

  constructor(make: () => T, most = MOST) {
    this.#make = make
    this.#most = most
  }

  get size(): number {
    return this.#entries.size
  }

  /** The entry of a key, made when there is none. */
  of(key: string): T {
    const entry = this.#entries.get(key) ?? this.#make()
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size > this.#most) {
      const [oldest] = this.#entries.keys()
      if (oldest !== undefined) this.#entries.delete(oldest)
    }
    return entry
  }
}
