import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface'

/** Protocols that may be proposed on one stream; honest peers propose a handful. */
const MAX_PROPOSALS = 64
/** Longest proposal, its length not counted (multistream-select). Bytes. */
const MAX_LINE = 1024
const LINE_FEED = 0x0a

type Data = Uint8Array | { readonly byteLength: number; get(index: number): number }

/** What streams inherit from @libp2p/utils 7 and their types hide; {@link isInside} checks that it is there. */
interface Inside {
  onData(data: Data): void
  readonly readBuffer: Data
}

/**
 * Bounds the talk about protocols at the beginning of a connection or stream (multistream-select).
 *
 * The stock side answers each proposal, and while there are more in its buffer it never lets go of the event loop: 3 MiB
 * of proposals of two bytes, from anybody who can reach the port, stop the whole process for minutes. So proposals are
 * counted as they arrive. What is not well-formed is none of them: either the talk is over, or the stock side ends it.
 */
export function guardNegotiation<T extends MessageStream>(stream: T): T {
  if (!isInside(stream))
    throw new Error('this version of libp2p is not the one Heliport was written for')
  const counter = new ProposalCounter()
  let isOver = false
  const receive = stream.onData.bind(stream)
  const refuse = () => stream.abort(new Error('too many protocols were proposed'))
  const isTooMuch = (data: Data): boolean => {
    if (isOver) return false
    const verdict = counter.take(data)
    isOver = verdict === 'over'
    return verdict === 'too many'
  }
  stream.onData = (data) => {
    if (isTooMuch(data)) refuse()
    else receive(data)
  }
  if (isTooMuch(stream.readBuffer)) refuse()
  return stream
}

/** The same encrypter; the talk that follows it, inside of the encryption, is bounded too. */
export function guardedEncrypter<C>(
  make: (components: C) => ConnectionEncrypter,
): (components: C) => ConnectionEncrypter {
  return (components) => {
    const encrypter = make(components)
    for (const side of ['secureInbound', 'secureOutbound'] as const) {
      const secure = encrypter[side].bind(encrypter)
      encrypter[side] = async (connection, options) => {
        const secured = await secure(connection, options)
        return { ...secured, connection: guardNegotiation(secured.connection) }
      }
    }
    return encrypter
  }
}

/** Counts lines: a varint with the length of the rest, which ends in a line feed. */
class ProposalCounter {
  #lines = 0
  /** Of the line that is being read: what is left of it; `undefined` while its length is. */
  #left: number | undefined
  #length = 0
  #shift = 0

  take(data: Data): 'fine' | 'too many' | 'over' {
    for (let at = 0; at < data.byteLength;) {
      if (this.#left === undefined) {
        if (!this.#readLength(byteAt(data, at++))) return 'over'
        continue
      }
      const step = Math.min(this.#left, data.byteLength - at)
      at += step
      this.#left -= step
      if (this.#left > 0) continue
      if (byteAt(data, at - 1) !== LINE_FEED) return 'over'
      this.#left = undefined
      if (++this.#lines > MAX_PROPOSALS) return 'too many'
    }
    return 'fine'
  }

  /** False when this cannot be the length of a line. */
  #readLength(byte: number): boolean {
    this.#length |= (byte & 0x7f) << this.#shift
    this.#shift += 7
    if (byte >= 0x80) return this.#shift < 14
    if (this.#length === 0 || this.#length > MAX_LINE) return false
    this.#left = this.#length
    this.#length = this.#shift = 0
    return true
  }
}

function byteAt(data: Data, index: number): number {
  return data instanceof Uint8Array ? (data[index] ?? 0) : data.get(index)
}

function isInside<T extends MessageStream>(stream: T): stream is T & Inside {
  const { onData, readBuffer } = stream as T & Partial<Inside>
  return typeof onData === 'function' && typeof readBuffer?.byteLength === 'number'
}
