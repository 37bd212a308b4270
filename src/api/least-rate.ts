/** Over so long a body must have come fast enough, in ms: a line may be bad for a while. */
const WINDOW_MS = 30_000

/** Finds out that a body comes too slowly. Only the time counts in which we wait for it. */
export class LeastRate {
  readonly #perMs: number
  #waited = 0
  #bytes = 0

  /** @param rate bytes a second; 0: nothing is too slow */
  constructor(rate: number) {
    this.#perMs = rate / 1000
  }

  got(bytes: number): void {
    this.#bytes += bytes
  }

  /** Counts a wait. Whether less came, over the window, than had to. */
  isMissedAfter(ms: number): boolean {
    this.#waited += ms
    if (this.#waited < WINDOW_MS) return false
    const isMissed = this.#bytes < this.#waited * this.#perMs
    this.#waited = 0
    this.#bytes = 0
    return isMissed
  }
}
