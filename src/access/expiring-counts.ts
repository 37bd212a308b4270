/** How long counts are kept, in ms, and how many at once: the longest known go first. */
export interface ExpiringCountsInit {
  readonly windowMs: number
  readonly most: number
  /** Milliseconds that only go forward. */
  readonly now: () => number
}

interface Counted {
  count: number
  /** When it is forgotten, in ms of the clock. */
  readonly until: number
}

/** Counts what happens, by key; each is forgotten so long after it was first seen. */
export class ExpiringCounts {
  readonly #init: ExpiringCountsInit
  readonly #counts = new Map<string, Counted>()

  constructor(init: ExpiringCountsInit) {
    this.#init = init
  }

  /** @returns ms until it is forgotten that a key was seen so many times, or more; `undefined`: it was not */
  reached(key: string, count: number): number | undefined {
    const counted = this.#of(key)
    if (counted === undefined || counted.count < count) return undefined
    return counted.until - this.#init.now()
  }

  add(key: string): void {
    const counted = this.#of(key)
    if (counted !== undefined) {
      counted.count++
      return
    }
    const { windowMs, most, now } = this.#init
    this.#counts.set(key, { count: 1, until: now() + windowMs })
    const [oldest] = this.#counts.keys()
    if (this.#counts.size > most && oldest !== undefined) this.#counts.delete(oldest)
  }

  #of(key: string): Counted | undefined {
    const counted = this.#counts.get(key)
    if (counted === undefined || counted.until > this.#init.now()) return counted
    this.#counts.delete(key)
    return undefined
  }
}
