/** Finds out that bytes come, or are taken, too slowly. Only the time counts in which we wait for them. */
export class LeastRate {
  readonly #perMs: number
  readonly #windowMs: number
  #waited = 0
  #bytes = 0

  /**
   * @param rate bytes a second; 0: nothing is too slow
   * @param windowMs over so long they must have been fast enough: a line may be bad for a while
   */
  constructor(rate: number, windowMs: number) {
    this.#perMs = rate / 1000
    this.#windowMs = windowMs
  }

  got(bytes: number): void {
    this.#bytes += bytes
  }

  /** Counts a wait. Whether less came, over the window, than had to. */
  isMissedAfter(ms: number): boolean {
    this.#waited += ms
    if (this.#waited < this.#windowMs) return false
    const isMissed = this.#bytes < this.#waited * this.#perMs
    this.reset()
    return isMissed
  }

  /** Begins a new window. */
  reset(): void {
    this.#waited = 0
    this.#bytes = 0
  }
}
