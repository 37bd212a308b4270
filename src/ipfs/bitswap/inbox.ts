import { MAX_MESSAGE_BYTES, WireError, readVarint } from './wire.ts'
import type { Stream } from '@libp2p/interface'

/** Messages that have begun and are not whole, of all peers together. Bytes. */
const MAX_HELD_BYTES = 64 * 1024 * 1024

/** A length of up to 4 MiB has four bytes at most. */
const LONGEST_LENGTH = 4

type Chunk = Uint8Array | { subarray(): Uint8Array }

/**
 * Takes whole messages out of the streams of all peers. A message that has only begun costs memory until it ends; when
 * that is too much in all, those that began first are cut off: an honest one is there in a moment, and is asked for again.
 */
export class Inbox {
  readonly #limit: number
  /** Messages that are not whole, those that began first before others. */
  readonly #begun = new Set<PartialMessage>()
  #held = 0

  constructor(limit: number = MAX_HELD_BYTES) {
    this.#limit = limit
  }

  /**
   * Reads a stream to its end.
   *
   * @throws WireError when a message is too long, and what the stream throws
   */
  async read(
    stream: Pick<Stream, 'abort' | typeof Symbol.asyncIterator>,
    onMessage: (bytes: Uint8Array) => void,
  ): Promise<void> {
    let message = new PartialMessage(stream)
    try {
      for await (const chunk of stream as AsyncIterable<Chunk>) {
        for (let bytes = chunk.subarray(); bytes.length > 0;) {
          const before = message.held
          bytes = message.push(bytes)
          this.#count(message, message.held - before)
          if (!message.isWhole) continue
          this.#forget(message)
          onMessage(message.bytes())
          message = new PartialMessage(stream)
        }
      }
    } finally {
      this.#forget(message)
    }
  }

  #count(message: PartialMessage, bytes: number): void {
    this.#begun.add(message)
    this.#held += bytes
    for (const oldest of this.#begun) {
      if (this.#held <= this.#limit) return
      this.#forget(oldest)
      oldest.stream.abort(new Error('too much is waiting for the end of its message'))
    }
  }

  #forget(message: PartialMessage): void {
    if (this.#begun.delete(message)) this.#held -= message.held
  }
}

/** A message begins with so much memory, and gets more when it has come so far: its length is only a claim. */
const FIRST_BYTES = 64 * 1024

class PartialMessage {
  readonly stream: Pick<Stream, 'abort'>
  held = 0
  #head: Uint8Array = new Uint8Array()
  #body: Uint8Array | undefined
  #length = 0

  constructor(stream: Pick<Stream, 'abort'>) {
    this.stream = stream
  }

  get isWhole(): boolean {
    return this.#body !== undefined && this.held === this.#length
  }

  bytes(): Uint8Array {
    return this.#body?.subarray(0, this.#length) ?? new Uint8Array()
  }

  /** Takes what belongs to it, and returns the rest. */
  push(bytes: Uint8Array): Uint8Array {
    if (this.#body === undefined) return this.#pushLength(bytes)
    const part = bytes.subarray(0, this.#length - this.held)
    const end = this.held + part.length
    if (end > this.#body.length) this.#body = grown(this.#body, Math.min(this.#length, 2 * end))
    this.#body.set(part, this.held)
    this.held = end
    return bytes.subarray(part.length)
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
    this.#body = Buffer.allocUnsafeSlow(Math.min(length.value, FIRST_BYTES))
    return bytes.subarray(length.end - known)
  }
}

function grown(bytes: Uint8Array, length: number): Uint8Array {
  const larger = Buffer.allocUnsafeSlow(length)
  larger.set(bytes)
  return larger
}
