import { pause } from '../pause.ts'

/**
 * So much a second, and a little more at once. Whoever wants more waits; there is no queue, only the time at which the
 * debt is paid.
 */
export class Allowance {
  readonly #perMillisecond: number
  readonly #burst: number
  /** When all that was taken will have been earned, on the monotonic clock. */
  #paid = 0

  /** @param burst what may be taken at once, after a rest */
  constructor(perSecond: number, burst: number) {
    this.#perMillisecond = perSecond / 1000
    this.#burst = burst
  }

  /** Waits until so much may be used. @throws the signal's reason */
  async take(amount: number, signal: AbortSignal): Promise<void> {
    const now = performance.now()
    this.#paid = Math.max(this.#paid, now) + amount / this.#perMillisecond
    const wait = this.#paid - now - this.#burst / this.#perMillisecond
    if (wait > 0) await pause(wait, signal)
  }
}
