interface Flight<T> {
  readonly result: Promise<T>
  readonly abort: AbortController
  followers: number
}

/** Work that is done once for all who want it meanwhile. It ends when the last of them has given up. */
export class Flights<T> {
  readonly #flights = new Map<string, Flight<T>>()

  /** @throws what the work throws; the signal's reason when the caller gives up */
  async run(
    key: string,
    work: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    signal?.throwIfAborted()
    const flight = this.#flights.get(key) ?? this.#start(key, work)
    flight.followers++
    const { promise: gaveUp, reject } = Promise.withResolvers<never>()
    const onAbort = (): void => reject(signal?.reason as Error)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([flight.result, gaveUp])
    } finally {
      signal?.removeEventListener('abort', onAbort)
      if (--flight.followers === 0) this.#end(key, flight)
    }
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const abort = new AbortController()
    const flight: Flight<T> = { result: work(abort.signal), abort, followers: 0 }
    flight.result.catch(() => undefined) // each follower has it, and there may be none left
    this.#flights.set(key, flight)
    return flight
  }

  #end(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
    flight.abort.abort(new Error('nobody waits for this block any more'))
  }
}
