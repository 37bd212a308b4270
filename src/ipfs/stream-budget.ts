import { LARGEST_MESSAGE, LARGE_MESSAGE, MAX_HELD_BYTES } from './inbound-limits.ts'
import type { Stream } from '@libp2p/interface'

/** A stream, and the way by which its data comes (@libp2p/utils 7). */
export interface CountedStream extends Stream {
  onData(data: { byteLength: number }): void
}

/** Something that holds bytes at our expense. */
interface Held {
  size: number
  /** Ends it, and with it what it holds. */
  readonly cut: (error: Error) => void
}

/** What one connection makes us hold. */
interface Account {
  /**
   * A stream was opened to us: what arrives on it counts from now on.
   *
   * @param unfinished bytes of a message that is not whole; `undefined` when the stream's messages are not told apart
   */
  stream(stream: CountedStream, unfinished: () => number | undefined): void
  /** So many bytes wait for the rest of their frame. */
  frame(bytes: number): void
  /** The connection has ended. */
  close(): void
}

/**
 * A bound on what strangers make us keep. A stream's data is kept until a whole message is there, and nothing in libp2p
 * bounds that for all streams together: one peer with 32 streams for bitswap holds 128 MiB by leaving 32 messages
 * unfinished, and 300 of them all memory there is.
 *
 * What a handler holds is a message that is not whole; where messages are not told apart it is no more than what arrived,
 * and no more than the largest message. When that is too much in all, somebody is cut off: the connection that has the
 * most, if it began several large messages at once, else the largest of its streams. An honest peer sends one large
 * message after the other, and loses at worst one, which is asked for again. Cutting a greedy peer's streams one by one
 * would not do: each stream it may open has a window of its own, and what is under way for 64 of them is 16 MiB.
 */
export class StreamBudget {
  readonly #limit: number
  /** What each connection holds, and how it is ended. */
  readonly #accounts = new Map<Set<Held>, (error: Error) => void>()
  #held = 0

  /** @param limit bytes */
  constructor(limit: number = MAX_HELD_BYTES) {
    this.#limit = limit
  }

  /** What inbound streams hold at most, in bytes. */
  get held(): number {
    return this.#held
  }

  /**
   * An account for a connection.
   *
   * @param abort ends it
   */
  open(abort: (error: Error) => void): Account {
    const account = new Set<Held>()
    const add = (cut: (error: Error) => void): Held => {
      const held = { size: 0, cut }
      account.add(held)
      this.#accounts.set(account, abort)
      return held
    }
    const frame = add(abort)
    return {
      stream: (stream, unfinished) => {
        const held = add((error) => stream.abort(error))
        this.#count(stream, { held, account, unfinished })
      },
      frame: (size) => this.#resize(frame, size, account),
      close: () => {
        for (const held of account) this.#forget(held, account)
      },
    }
  }

  #count(
    stream: CountedStream,
    of: { held: Held; account: Set<Held>; unfinished: () => number | undefined },
  ): void {
    const { held, account } = of
    let received = 0
    stream.addEventListener('close', () => this.#forget(held, account))
    const receive = stream.onData.bind(stream)
    stream.onData = (data) => {
      receive(data)
      received += data.byteLength
      const inHandler = of.unfinished() ?? Math.min(received, LARGEST_MESSAGE)
      // What nobody reads yet is all still here.
      this.#resize(held, Math.max(inHandler, stream.readBufferLength), account)
    }
  }

  #resize(held: Held, size: number, account: Set<Held>): void {
    if (!account.has(held)) return
    this.#held += size - held.size
    held.size = size
    while (this.#held > this.#limit) this.#cut()
  }

  #forget(held: Held, account: Set<Held>): void {
    if (!account.delete(held)) return
    this.#held -= held.size
    if (account.size === 0) this.#accounts.delete(account)
  }

  #cut(): void {
    let [greediest, most]: [Set<Held>, number] = [new Set(), 0]
    for (const account of this.#accounts.keys()) {
      const sum = [...account].reduce((total, { size }) => total + size, 0)
      if (sum > most) [greediest, most] = [account, sum]
    }
    const [largest, next] = [...greediest].toSorted((a, b) => b.size - a.size)
    if (largest === undefined) throw new Error('more is held than was counted')
    const error = new Error('all peers together make us hold too much')
    if ((next?.size ?? 0) < LARGE_MESSAGE) {
      this.#forget(largest, greediest)
      return largest.cut(error)
    }
    const end = this.#accounts.get(greediest)
    for (const held of greediest) this.#forget(held, greediest)
    end?.(error)
  }
}
