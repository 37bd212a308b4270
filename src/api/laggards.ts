/** Slower than this, in bytes a second, is no usual line: of those alone a newcomer may get the place. */
const USUAL_RATE = 32 * 1024
/** An address with no more slow connections than this gives none of them to one that has more. */
const FEW = 8
/** They are put in order once in so many ms at most, however many come. */
const ORDER_MS = 1_000

/** One that is slow. */
interface Laggard<T> {
  readonly connection: T
  /** Whose it is. */
  readonly client: string
  /** Bytes a second. */
  readonly rate: number
}

/** Whose turn it is to go. */
interface Place<T> extends Laggard<T> {
  /** Slow ones that its client has when all that go before it have gone. */
  readonly ofClient: number
}

/**
 * Connections whose client is slow, and which of them makes place when there is no other: of the client who has most of
 * them, the slowest. So those who hold hundreds go down to what others have, and who has one is let be as long as he can.
 */
export class Laggards<T> {
  readonly #now: () => number
  readonly #slow = new Map<T, Laggard<T>>()
  /** Who goes first is last. */
  #order: Place<T>[] = []
  #counts = new Map<string, number>()
  #orderedAt = -Infinity

  /** @param now a clock that never goes back, in ms */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Says how fast a connection is now, in bytes a second. @param rate `undefined`: it is not slow, or nobody knows */
  judge(connection: T, client: string, rate: number | undefined): void {
    if (rate === undefined || rate >= USUAL_RATE) this.#slow.delete(connection)
    else this.#slow.set(connection, { connection, client, rate })
  }

  /** Forgets a connection that has closed. */
  delete(connection: T): void {
    this.#slow.delete(connection)
  }

  /** The connection that makes place for a newcomer; `undefined`: none does. It is not given out again. */
  placeFor(newcomer: string): T | undefined {
    if (this.#now() - this.#orderedAt >= ORDER_MS) this.#putInOrder()
    // Who has many of his own takes no place of those who have few; nor does anybody from himself while he has few.
    const wanted = Math.min((this.#counts.get(newcomer) ?? 0) + 1, FEW + 1)
    for (let last = this.#order.at(-1); last !== undefined; last = this.#order.at(-1)) {
      const isStill = this.#slow.get(last.connection)?.client === last.client
      if (isStill && last.ofClient < wanted) return undefined
      this.#order.pop()
      if (isStill) {
        this.#slow.delete(last.connection)
        return last.connection
      }
    }
    return undefined
  }

  #putInOrder(): void {
    this.#orderedAt = this.#now()
    const clients = Map.groupBy(this.#slow.values(), ({ client }) => client)
    this.#counts = new Map([...clients].map(([client, slow]) => [client, slow.length]))
    const order: Place<T>[] = []
    for (const slow of clients.values()) {
      slow.sort((a, b) => b.rate - a.rate)
      for (const [at, { connection, client, rate }] of slow.entries())
        order.push({ connection, client, rate, ofClient: at + 1 })
    }
    this.#order = order.sort((a, b) => a.ofClient - b.ofClient || b.rate - a.rate)
  }
}
