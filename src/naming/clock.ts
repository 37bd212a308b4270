import { setTimeout as sleep } from 'node:timers/promises'

/** Time, as policy sees it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Waits so many milliseconds. @throws the signal's reason */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>
}

/** The machine's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(milliseconds, signal) {
    try {
      await sleep(milliseconds, undefined, { signal, ref: false })
    } catch (error) {
      signal.throwIfAborted() // the timer's own error hides the reason
      throw error
    }
  },
}

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** How long to wait after so many failures in a row: `first`, doubled each time, at most `most`. Milliseconds. */
export function backOff(failures: number, first: number, most: number): number {
  return Math.min(first * 2 ** Math.max(0, failures - 1), most)
}
