import { setTimeout } from 'node:timers/promises'
import type { BlockOptions } from './block-store.ts'

/** Work in a row before others get their turn, in ms. */
const SLICE = 8

/**
 * Keeps work in the background from being felt: after each slice of time it rests, as long as its share says. Whoever has
 * much to do calls {@link turn} often, which mostly returns at once.
 */
export class Pace {
  readonly #rest: number
  readonly #now: () => number
  #since: number

  /** @param share of the time that may be spent at work, over 0 and up to 1 */
  constructor(share: number, now: () => number = () => performance.now()) {
    this.#rest = 1 / share - 1
    this.#now = now
    this.#since = now()
  }

  /** @throws the signal's reason */
  async turn({ signal }: BlockOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    const worked = this.#now() - this.#since
    if (worked < SLICE) return
    // What took longer has waited for others, and need not wait for them again.
    await setTimeout(SLICE * this.#rest)
    signal?.throwIfAborted()
    this.#since = this.#now()
  }
}
