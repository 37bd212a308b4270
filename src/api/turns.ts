/** How many {@link Turns} there are. */
export interface TurnsInit {
  /** So many at once. */
  most: number
  /** Beyond so many, each should do with as little as it can. */
  few: number
  /** A source that gives nothing, or a reader that takes nothing, for so many ms keeps no turn that others wait for. */
  patienceMs: number
}

/**
 * The memory for content on its way out, shared by all who send. Each sender has a turn while it holds some; the others
 * wait in line. So it is bounded however many readers there are and however slow they are (promise I8).
 */
export class Turns {
  readonly #most: number
  readonly #few: number
  readonly patienceMs: number
  readonly #line = new Set<() => void>()
  #taken = 0

  constructor({ most, few, patienceMs }: TurnsInit) {
    this.#most = most
    this.#few = few
    this.patienceMs = patienceMs
  }

  /** Whether to do with little. */
  get isCrowded(): boolean {
    return this.#taken > this.#few
  }

  /** Whether turns may soon run out. */
  get isScarce(): boolean {
    return this.isCrowded && this.#taken > this.#most / 2
  }

  /** Whether somebody waits for a turn. */
  get isAwaited(): boolean {
    return this.#line.size > 0
  }

  /** Waits for a turn, which then is to be given back. @throws the signal's reason when it aborts before */
  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#taken < this.#most) {
      this.#taken += 1
      return
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onAbort = (): void => {
      if (this.#line.delete(resolve)) reject(signal.reason as Error)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#line.add(resolve)
    await promise
    signal.removeEventListener('abort', onAbort)
  }

  /** Gives a turn back: to the one that has waited longest. */
  leave(): void {
    const [next] = this.#taken > this.#most ? [] : this.#line
    if (next === undefined) {
      this.#taken -= 1
    } else {
      this.#line.delete(next)
      next()
    }
  }

  /**
   * Passes on what a source gives. While it makes us wait long, for a block from the network, there is nothing of it in
   * memory: so long the turn is left to others, and after it there may be one too many.
   */
  async *lend<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
    const iterator = source[Symbol.asyncIterator]()
    let isOver = false
    try {
      for (;;) {
        isOver = true // also when it throws
        const next = await this.#meanwhile(iterator.next())
        if (next.done === true) return
        isOver = false
        yield next.value
      }
    } finally {
      if (!isOver) await iterator.return?.()
    }
  }

  async #meanwhile<T>(work: Promise<T>): Promise<T> {
    let isLent = false
    const timer = setTimeout(() => {
      isLent = true
      this.leave()
    }, this.patienceMs)
    try {
      return await work
    } finally {
      clearTimeout(timer)
      if (isLent) this.#taken += 1
    }
  }
}

/** For content that is in memory in any case: nobody waits. */
export const NO_TURNS = new Turns({ most: Infinity, few: Infinity, patienceMs: 60_000 })
