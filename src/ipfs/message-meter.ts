import { MAX_MESSAGES_PER_SECOND } from './inbound-limits.ts'
import type { Stream } from '@libp2p/interface'

/** Protocols whose messages follow each other on one stream, each after its length. */
const MANY_MESSAGES = /^\/(ipfs\/bitswap|ipfs\/kad|meshsub|floodsub)\//
/** A message of 4 MiB has a length of four bytes; a longer length is none, and its handler ends the stream. */
const LONGEST_LENGTH = 4

type Data = Uint8Array | { subarray(): Uint8Array }

/**
 * Bounds the messages that one connection may send in a second. Their handlers take them out of a buffer one after the
 * other and never let go of the event loop while there are more: 2 MiB of empty messages for bitswap stop the whole
 * process for minutes, and an honest peer sends a hundred a second.
 */
export class MessageMeter {
  readonly #now: () => number
  #left = MAX_MESSAGES_PER_SECOND
  #at: number

  /** @param now milliseconds on a clock that does not jump */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#at = now()
  }

  /**
   * Counts what is given to the stream's handler, and cuts the stream that brings too much.
   *
   * @returns tells how many bytes of a message that is not whole yet the handler has; `undefined` when the stream's
   *   messages are not told apart
   */
  watch(stream: Stream): () => number | undefined {
    const counter = new MessageCounter()
    const dispatch = stream.dispatchEvent.bind(stream)
    stream.dispatchEvent = (event: Event) => {
      const isMetered = 'data' in event && MANY_MESSAGES.test(stream.protocol)
      if (!isMetered || this.#take(counter.count(event.data as Data))) return dispatch(event)
      stream.abort(new Error('too many messages a second'))
      return false
    }
    return () => (MANY_MESSAGES.test(stream.protocol) ? counter.unfinished : undefined)
  }

  #take(count: number): boolean {
    const now = this.#now()
    const gained = ((now - this.#at) / 1000) * MAX_MESSAGES_PER_SECOND
    this.#at = now
    this.#left = Math.min(MAX_MESSAGES_PER_SECOND, this.#left + gained) - count
    // Who went far over it does not wait for hours.
    this.#left = Math.max(this.#left, -MAX_MESSAGES_PER_SECOND)
    return this.#left >= 0
  }
}

/** Finds the beginnings of messages in a stream of them. */
class MessageCounter {
  /** Of the message that is being read: all of it, and what is left. */
  #whole = 0
  #left = 0
  #length = 0
  #digits = 0
  #isLost = false

  /** Bytes that have come of a message that is not whole. */
  get unfinished(): number {
    return this.#left === 0 ? 0 : this.#whole - this.#left
  }

  count(data: Data): number {
    const bytes = data.subarray()
    let found = 0
    for (let at = 0; at < bytes.length && !this.#isLost;) {
      const step = Math.min(this.#left, bytes.length - at)
      at += step
      this.#left -= step
      if (at < bytes.length && this.#readLength(bytes[at++] ?? 0)) found++
    }
    return found
  }

  /** True when a message begins after this byte. */
  #readLength(byte: number): boolean {
    this.#length += (byte & 0x7f) * 2 ** (7 * this.#digits++)
    if (byte >= 0x80) {
      this.#isLost = this.#digits === LONGEST_LENGTH
      return false
    }
    this.#whole = this.#left = this.#length
    this.#length = this.#digits = 0
    return true
  }
}
