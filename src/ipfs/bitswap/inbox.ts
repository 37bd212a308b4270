import { MAX_MESSAGE_BYTES, WireError, readVarint } from './wire.ts'
import type { Stream } from '@libp2p/interface'

/** A length of up to 4 MiB has four bytes at most. */
const LONGEST_LENGTH = 4

type Chunk = Uint8Array | { subarray(): Uint8Array }

/**
 * Takes whole messages out of a stream, until its end. What all streams together hold of messages that are not whole is
 * bounded by whoever opens them to us (`stream-budget.ts`).
 *
 * @throws WireError when a message is too long, and what the stream throws
 */
export async function readMessages(
  stream: Pick<Stream, typeof Symbol.asyncIterator>,
  onMessage: (bytes: Uint8Array) => void,
): Promise<void> {
  let message = new PartialMessage()
  for await (const chunk of stream as AsyncIterable<Chunk>) {
    for (let bytes = chunk.subarray(); bytes.length > 0;) {
      bytes = message.push(bytes)
      if (!message.isWhole) continue
      onMessage(message.bytes())
      message = new PartialMessage()
    }
  }
}

/**
 * A message is kept in pages, each had when the one before is full: its length is only a claim, and one array that grows
 * would leave its smaller copies for the collector, twice as much as the message.
 */
const FIRST_PAGE_BYTES = 16 * 1024
const PAGE_BYTES = 256 * 1024

class PartialMessage {
  #held = 0
  #head: Uint8Array = new Uint8Array()
  /** Undefined until it is known. */
  #length: number | undefined
  readonly #pages: Uint8Array[] = []
  /** What is free of the last page. */
  #free: Uint8Array = new Uint8Array()

  get isWhole(): boolean {
    return this.#held === this.#length
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#pages, this.#held)
  }

  /** Takes what belongs to it, and returns the rest. */
  push(bytes: Uint8Array): Uint8Array {
    if (this.#length === undefined) return this.#pushLength(bytes)
    const part = bytes.subarray(0, this.#length - this.#held)
    for (let at = 0; at < part.length;) at += this.#keep(part.subarray(at))
    return bytes.subarray(part.length)
  }

  /** Copies as much as the last page can take, or a new one. @returns how many bytes */
  #keep(bytes: Uint8Array): number {
    if (this.#free.length === 0) this.#turn()
    const part = bytes.subarray(0, this.#free.length)
    this.#free.set(part)
    this.#free = this.#free.subarray(part.length)
    this.#held += part.length
    return part.length
  }

  #turn(): void {
    const most = this.#pages.length === 0 ? FIRST_PAGE_BYTES : PAGE_BYTES
    this.#free = Buffer.allocUnsafeSlow(Math.min(most, (this.#length ?? 0) - this.#held))
    this.#pages.push(this.#free)
  }

  /** The length may come in pieces too; until it is whole its bytes are kept apart. */
  #pushLength(bytes: Uint8Array): Uint8Array {
    const known = this.#head.length
    const head = Buffer.concat([this.#head, bytes.subarray(0, LONGEST_LENGTH)])
    const length = readVarint(head, 0)
    if (length === undefined && head.length < LONGEST_LENGTH) {
      this.#head = head
      return new Uint8Array()
    }
    if (length === undefined || length.value > MAX_MESSAGE_BYTES)
      throw new WireError('a message that is too long')
    this.#length = length.value
    return bytes.subarray(length.end - known)
  }
}
