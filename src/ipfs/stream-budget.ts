import { LARGEST_MESSAGE, MAX_GOSSIP_BYTES, MAX_HELD_BYTES } from './inbound-limits.ts'
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
  /** A stream was opened to us: what arrives on it counts from now on. */
  stream(stream: CountedStream): void
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
 * How much a handler holds of a stream is not known, only that it is no more than what arrived, and no more than the
 * largest message. When that is too much in all, streams are cut: of the connection that has the most, the largest.
 * An honest peer loses at worst a message, which is asked for again.
 */
export class StreamBudget {
  readonly #limit: number
  readonly #accounts = new Set<Set<Held>>()
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
      this.#accounts.add(account)
      return held
    }
    const frame = add(abort)
    return {
      stream: (stream) =>
        this.#count(
          stream,
          add((error) => stream.abort(error)),
          account,
        ),
      frame: (size) => this.#resize(frame, size, account),
      close: () => {
        for (const held of account) this.#forget(held, account)
      },
    }
  }

  #count(stream: CountedStream, held: Held, account: Set<Held>): void {
    let received = 0
    stream.addEventListener('close', () => this.#forget(held, account))
    const receive = stream.onData.bind(stream)
    stream.onData = (data) => {
      receive(data)
      received += data.byteLength
      this.#resize(held, sizeOf(stream, received), account)
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
    for (const account of this.#accounts) {
      const sum = [...account].reduce((total, { size }) => total + size, 0)
      if (sum > most) [greediest, most] = [account, sum]
    }
    const [largest] = [...greediest].toSorted((a, b) => b.size - a.size)
    if (largest === undefined) throw new Error('more is held than was counted')
    this.#forget(largest, greediest)
    largest.cut(new Error('all peers together make us hold too much'))
  }
}

/** Gossip comes in messages of a few KiB on streams that last as long as the connection. */
const GOSSIP = /^\/(meshsub|floodsub)\//

function sizeOf(stream: CountedStream, received: number): number {
  const largest = GOSSIP.test(stream.protocol) ? MAX_GOSSIP_BYTES : LARGEST_MESSAGE
  // What nobody reads yet is all still here.
  return Math.max(Math.min(received, largest), stream.readBufferLength)
}
