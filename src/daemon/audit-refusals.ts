/** A minute, in ms, and how many refusals are told one by one in it: of one address, and of all. */
const WINDOW_MS = 60_000
const OF_ONE = 100
const OF_ALL = 1000

/**
 * Keeps a flood of refused requests, which costs its sender nothing, from pushing what matters out of the audit log.
 * It remembers only addresses that were let through, so at most as many as lines.
 */
export class RefusalBound {
  readonly #now: () => number
  readonly #counts = new Map<string, number>()
  #began: number
  #all = 0
  #omitted = 0

  /** @param now a clock, in ms, that does not jump */
  constructor(now: () => number) {
    this.#now = now
    this.#began = now()
  }

  /** Whether a refusal gets a line of its own. */
  admits(address: string): boolean {
    const count = this.#counts.get(address) ?? 0
    if (count >= OF_ONE || this.#all >= OF_ALL) {
      this.#omitted++
      return false
    }
    this.#counts.set(address, count + 1)
    this.#all++
    return true
  }

  /** Ends the minute, if it is over (or `now`). @returns how many refusals got no line in it */
  omitted({ now = false }: { now?: boolean } = {}): number {
    if (!now && this.#now() - this.#began < WINDOW_MS) return 0
    const omitted = this.#omitted
    this.#began = this.#now()
    this.#counts.clear()
    this.#all = 0
    this.#omitted = 0
    return omitted
  }
}
