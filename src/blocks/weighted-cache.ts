/** Values by key, up to a weight: the least recently used go first. */
export class WeightedCache<T> {
  readonly #entries = new Map<string, { value: T; weight: number }>()
  readonly #limit: number
  readonly #largest: number
  #weight = 0

  /**
   * @param limit weight of all values together; 0 keeps nothing
   * @param largest a value of more than this is not kept: it would push out too many others
   */
  constructor(limit: number, largest: number) {
    this.#limit = limit
    this.#largest = largest
  }

  clear(): void {
    this.#entries.clear()
    this.#weight = 0
  }

  delete(key: string): void {
    this.#weight -= this.#entries.get(key)?.weight ?? 0
    this.#entries.delete(key)
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key) // so that the map's order is the order of use
    this.#entries.set(key, entry)
    return entry.value
  }

  /** Keeps a value, unless the key has one already. */
  set(key: string, value: T, weight: number): void {
    if (weight > this.#largest || this.#entries.has(key)) return
    this.#entries.set(key, { value, weight })
    this.#weight += weight
    this.shrink(this.#limit)
  }

  /** Lets go of those that were used longest ago, until the others weigh no more than that. */
  shrink(limit: number): void {
    for (const [oldest, entry] of this.#entries) {
      if (this.#weight <= limit) return
      this.#entries.delete(oldest)
      this.#weight -= entry.weight
    }
  }
}
