/** What a {@link Recent} is made with. */
export interface RecentInit {
  /** How long a key is remembered, in ms. */
  ttl: number
  /** The clock, in ms. */
  now: () => number
  /** Keys remembered at most; the oldest goes first. */
  max?: number
}

/** Remembers keys for a time. It may forget earlier when it is full, so it must only ever save work or trouble. */
export class Recent {
  readonly #ttl: number
  readonly #now: () => number
  readonly #max: number
  readonly #until = new Map<string, number>()

  constructor({ ttl, now, max = 10_000 }: RecentInit) {
    this.#ttl = ttl
    this.#now = now
    this.#max = max
  }

  add(key: string): void {
    this.#until.delete(key) // so that the map's order is the order of age
    this.#until.set(key, this.#now() + this.#ttl)
    for (const oldest of this.#until.keys()) {
      if (this.#until.size <= this.#max) break
      this.#until.delete(oldest)
    }
  }

  clear(): void {
    this.#until.clear()
  }

  has(key: string): boolean {
    const until = this.#until.get(key)
    if (until === undefined) return false
    if (this.#now() < until) return true
    this.#until.delete(key)
    return false
  }
}
