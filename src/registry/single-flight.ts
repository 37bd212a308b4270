import type { Abortable } from './ports.ts'

interface Flight<T> {
  result: Promise<T>
  abort: AbortController
  waiters: number
}

/**
 * Runs work once for all who want it at the same time. One who gives up leaves the others their result; when the last
 * one has given up, so does the work.
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>()

  /** @throws what `work` throws; the signal's reason when the caller gave up */
  async run(
    key: string,
    work: (signal: AbortSignal) => Promise<T>,
    { signal }: Abortable = {},
  ): Promise<T> {
    signal?.throwIfAborted()
    const flight = this.#flights.get(key) ?? this.#start(key, work)
    flight.waiters++
    const { promise: gaveUp, reject } = Promise.withResolvers<never>()
    const onAbort = (): void => reject(signal?.reason as Error)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([flight.result, gaveUp])
    } finally {
      signal?.removeEventListener('abort', onAbort)
      if (--flight.waiters === 0) this.#end(key, flight)
    }
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const abort = new AbortController()
    const flight: Flight<T> = { result: work(abort.signal), abort, waiters: 0 }
    // Whoever still waits sees the failure; after the last waiter left there is nobody to tell.
    flight.result.catch(() => undefined)
    this.#flights.set(key, flight)
    return flight
  }

  #end(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
    flight.abort.abort()
  }
}
