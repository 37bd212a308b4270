import { Line } from './line.ts'
import type { Waiting } from './line.ts'

/** How many {@link Turns} there are. */
export interface TurnsInit {
  /** So many at once. */
  most: number
  /** When more bodies than that are under way, each should do with as little as it can. */
  few: number
  /** A source that gives nothing, or a reader that takes nothing, for so many ms keeps no turn. */
  patienceMs: number
}

/** For whom a turn is. */
export interface Taker {
  /** Whose request it is: requests of one client share a place in the line. */
  readonly client: string
  /** Whether the reader did not take what it was given in its last turn. */
  readonly isSlow: boolean
  /** Aborted when it is not wanted any more. */
  readonly signal: AbortSignal
}

/** Of so many turns one is for those who were slow, if others wait as well. */
const SLOW_SHARE = 4

/**
 * The memory and the work for content on its way out, shared by all who send. Each sender has a turn while it reads and
 * its reader takes; the others wait in line, by client, and those who were slow in one of their own. So it is bounded
 * however many readers there are and however slow they are (promise I8), and they are not felt by those who are quick.
 */
export class Turns {
  readonly #most: number
  readonly #few: number
  readonly patienceMs: number
  readonly #quick = new Line()
  readonly #slow = new Line()
  #taken = 0
  #given = 0
  #bodies = 0

  constructor({ most, few, patienceMs }: TurnsInit) {
    this.#most = most
    this.#few = few
    this.patienceMs = patienceMs
  }

  /** Counts a body that is under way, with a turn or without, until it is disposed of. */
  body(): Disposable {
    this.#bodies += 1
    return { [Symbol.dispose]: () => void (this.#bodies -= 1) }
  }

  /** Whether to do with little. */
  get isCrowded(): boolean {
    return this.#bodies > this.#few
  }

  /** Whether somebody waits for a turn. */
  get isAwaited(): boolean {
    return !this.#quick.isEmpty || !this.#slow.isEmpty
  }

  /** Waits for a turn, which then is to be given back. @throws the signal's reason when it aborts before */
  async take({ client, isSlow, signal }: Taker): Promise<void> {
    signal.throwIfAborted()
    if (this.#taken < this.#most) {
      this.#taken += 1
      return
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const line = isSlow ? this.#slow : this.#quick
    const waiting: Waiting = { client, enter: resolve }
    const onAbort = (): void => {
      if (line.delete(waiting)) reject(signal.reason as Error)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    line.add(waiting)
    try {
      await promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Gives a turn back: to one that waits. */
  leave(): void {
    const next = this.#taken > this.#most ? undefined : this.#next()
    if (next === undefined) this.#taken -= 1
    else next.enter()
  }

  #next(): Waiting | undefined {
    this.#given += 1
    const [first, second] =
      this.#given % SLOW_SHARE === 0 ? [this.#slow, this.#quick] : [this.#quick, this.#slow]
    return first.next() ?? second.next()
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
