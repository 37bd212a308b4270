/** How much something is wanted: it is fetched ahead, or somebody waits for it, which may begin while it is on its way. */
export class Urgency {
  readonly #raised = Promise.withResolvers<void>()
  #urgent = false

  constructor(urgent = false) {
    if (urgent) this.raise()
  }

  /** Whether somebody waits for it. */
  get urgent(): boolean {
    return this.#urgent
  }

  /** Resolves when somebody begins to wait for it. */
  get raised(): Promise<void> {
    return this.#raised.promise
  }

  /** Somebody waits for it now. */
  raise(): void {
    this.#urgent = true
    this.#raised.resolve()
  }
}

type Work<T> = (signal: AbortSignal, urgency: Urgency) => Promise<T>

interface Flight<T> {
  readonly result: Promise<T>
  readonly urgency: Urgency
  readonly abort: AbortController
  followers: number
}

/** One run of some work for each key, however many ask for it; it ends with the last of them. */
export class Flights<T> {
  readonly #flights = new Map<string, Flight<T>>()

  /**
   * Joins the work under this key, or starts it. It is urgent when it is so for one of those who ask.
   *
   * @throws what the work throws, and the signal's reason, which is of no concern to the others
   */
  async join(
    key: string,
    work: Work<T>,
    { signal, urgent = true }: { signal?: AbortSignal | undefined; urgent?: boolean | undefined },
  ): Promise<T> {
    signal?.throwIfAborted()
    const flight = this.#flights.get(key) ?? this.#start(key, work)
    flight.followers++
    if (urgent) flight.urgency.raise()
    try {
      return await follow(flight.result, signal)
    } finally {
      // The last to leave turns off the light.
      if (--flight.followers === 0)
        flight.abort.abort(new Error('nobody waits for this block any more'))
    }
  }

  #start(key: string, work: Work<T>): Flight<T> {
    const abort = new AbortController()
    const urgency = new Urgency()
    const land = (): void => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    }
    const result = work(abort.signal, urgency).finally(land)
    result.catch(() => undefined) // each follower has it, and there may be none left
    const flight: Flight<T> = { result, urgency, abort, followers: 0 }
    // A flight that nobody follows any more is on its way down: the next caller needs one of its own.
    abort.signal.addEventListener('abort', land, { once: true })
    this.#flights.set(key, flight)
    return flight
  }
}

/** Waits for a result that others wait for too: our own abort leaves theirs alone. */
function follow<T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return result
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const onAbort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  result.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  return promise
}
