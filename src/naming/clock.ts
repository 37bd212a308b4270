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

/**
 * Whether something that was done at `last` is due again. A clock that was set back makes it due at once: otherwise
 * it would not be done for as long as the clock was wrong. Milliseconds.
 */
export function isDue(last: number | undefined, every: number, now: number): boolean {
  return last === undefined || now < last || now - last >= every
}

/**
 * Does work that may take so many milliseconds. The work is told by its signal; if it does not listen, it is left to
 * itself.
 *
 * @throws what the work throws, the reason of the caller's signal, or that it took too long
 */
export async function within<T>(
  limit: { clock: Clock; milliseconds: number; signal: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, milliseconds, signal } = limit
  signal.throwIfAborted()
  const over = new AbortController()
  const late = new AbortController()
  const either = AbortSignal.any([signal, late.signal])
  clock.sleep(milliseconds, AbortSignal.any([signal, over.signal])).then(
    () => late.abort(new Error(`it took more than ${milliseconds / SECOND} s`)),
    () => undefined, // the work was done in time, or is not wanted any longer
  )
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(either.reason as Error)
  either.addEventListener('abort', onAbort, { once: true })
  const done = work(either)
  done.catch(() => undefined) // nobody may be waiting for it any longer when it fails
  try {
    return await Promise.race([done, aborted])
  } finally {
    either.removeEventListener('abort', onAbort)
    over.abort(new Error('the work is done'))
  }
}
