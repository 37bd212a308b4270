import { LiveSet } from './live-set.ts'

/**
 * How long a block that was put is kept although nothing links it yet, in ms. Whoever is going to link what it puts takes a
 * hold; this is for whoever forgot to.
 */
export const WINDOW = 10 * 60_000
/** The window is cut into so many parts; what is in one is forgotten together. */
const PARTS = 10

interface Part {
  readonly since: number
  readonly blocks: LiveSet
}

/**
 * What was put lately, and by work that is still going on: it is not linked yet, and is about to be. The memory is that of
 * what was put in the window, or since the oldest hold.
 */
export class RecentBlocks {
  readonly #now: () => number
  readonly #window: number
  /** From the oldest on. */
  #parts: Part[] = []
  /** When each piece of work that holds what it puts was begun. */
  readonly #holds = new Set<{ since: number }>()

  /** @param init `now`: milliseconds that never go back */
  constructor({
    now = () => performance.now(),
    window = WINDOW,
  }: { now?: () => number; window?: number } = {}) {
    this.#now = now
    this.#window = window
  }

  /** Notes a block that was put, also one that had been there. */
  add(hash: Uint8Array): void {
    const now = this.#now()
    let part = this.#parts.at(-1)
    if (part === undefined || now - part.since >= this.#window / PARTS) {
      this.#forget(now)
      part = { since: now, blocks: new LiveSet() }
      this.#parts.push(part)
    }
    part.blocks.add(hash)
  }

  /** Until it is let go, nothing that was put meanwhile is forgotten. */
  hold(): Disposable {
    const hold = { since: this.#now() }
    this.#holds.add(hold)
    return { [Symbol.dispose]: () => void this.#holds.delete(hold) }
  }

  /** All that is to be kept, in parts. */
  parts(): readonly LiveSet[] {
    this.#forget(this.#now())
    return this.#parts.map(({ blocks }) => blocks)
  }

  #forget(now: number): void {
    const needed = Math.min(now - this.#window, ...[...this.#holds].map(({ since }) => since))
    const length = this.#window / PARTS
    this.#parts = this.#parts.filter(({ since }) => since + length >= needed)
  }
}
