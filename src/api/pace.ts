import { setTimeout } from 'node:timers/promises'

/** Pieces that a transfer is cut into, in bytes, so that those which share a rate take turns, and none moves in leaps. */
export const PACE_BYTES = 64 * 1024

/** Of a rate that was not used, so much is made up for, in ms. */
const CATCH_UP_MS = 100

/**
 * Bytes over time, shared by all transfers of one client. Each piece is given the next free time after all pieces before
 * it, so nothing is queued but times, and two transfers each get half.
 */
export class Pace {
  readonly #perMs: number
  /** When the next piece may go, in ms. */
  #next = -Infinity

  /** @param rate bytes a second */
  constructor(rate: number) {
    this.#perMs = rate / 1000
  }

  /** Takes the time of a piece. @returns how long to wait before it may go, in ms */
  take(bytes: number, now: number): number {
    const start = Math.max(this.#next, now - CATCH_UP_MS)
    this.#next = start + bytes / this.#perMs
    return Math.max(0, start - now)
  }
}

/** The rates that one transfer has to keep: the address's, and the user's. */
export class Throttle {
  readonly #paces: readonly Pace[]
  readonly #now: () => number

  constructor(paces: readonly Pace[], now: () => number) {
    this.#paces = paces
    this.#now = now
  }

  /** Takes the time of a piece. @returns how long to wait before it may go, in ms */
  take(bytes: number): number {
    const now = this.#now()
    return Math.max(...this.#paces.map((pace) => pace.take(bytes, now)))
  }
}

/** Waits so long, or until the signal aborts: whoever goes on then finds the connection closed. */
export async function rest(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
