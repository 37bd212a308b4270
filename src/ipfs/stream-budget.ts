import { LARGEST_MESSAGE, MAX_GOSSIP_BYTES, MAX_HELD_BYTES } from './inbound-limits.ts'
import { guardNegotiation } from './negotiation-guard.ts'
import type { Stream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'

/** The parts of a muxer (@libp2p/utils 7) and of its streams that their types hide; they are checked. */
interface Inside {
  onRemoteStream(stream: InsideStream): void
}

interface InsideStream extends Stream {
  onData(data: { byteLength: number }): void
}

/** An inbound stream, and what is held of it at most. Bytes. */
interface Held {
  readonly stream: InsideStream
  received: number
  size: number
}

/** The inbound streams of one connection. */
type Streams = Map<InsideStream, Held>

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
  readonly #connections = new Set<Streams>()
  #held = 0

  /** @param limit bytes */
  constructor(limit: number = MAX_HELD_BYTES) {
    this.#limit = limit
  }

  /** What inbound streams hold at most, in bytes. */
  get held(): number {
    return this.#held
  }

  /** The same muxer, its inbound streams under this budget. */
  over(make: () => StreamMuxerFactory): () => StreamMuxerFactory {
    return () => {
      const factory = make()
      const create = factory.createStreamMuxer.bind(factory)
      factory.createStreamMuxer = (connection) => {
        const muxer = create(connection)
        this.#watch(muxer)
        return muxer
      }
      return factory
    }
  }

  #watch(muxer: StreamMuxer): void {
    if (!isInside(muxer))
      throw new Error('this version of @libp2p/yamux is not the one Heliport was written for')
    const streams: Streams = new Map()
    const take = muxer.onRemoteStream.bind(muxer)
    muxer.onRemoteStream = (stream) => {
      guardNegotiation(stream)
      this.#count(stream, streams)
      take(stream)
    }
  }

  #count(stream: InsideStream, streams: Streams): void {
    const held: Held = { stream, received: 0, size: 0 }
    streams.set(stream, held)
    this.#connections.add(streams)
    stream.addEventListener('close', () => this.#forget(held, streams))
    const receive = stream.onData.bind(stream)
    stream.onData = (data) => {
      receive(data)
      if (!streams.has(stream)) return
      held.received += data.byteLength
      this.#resize(held)
      while (this.#held > this.#limit) this.#cut()
    }
  }

  #resize(held: Held): void {
    const size = sizeOf(held)
    this.#held += size - held.size
    held.size = size
  }

  #forget(held: Held, streams: Streams): void {
    if (!streams.delete(held.stream)) return
    this.#held -= held.size
    if (streams.size === 0) this.#connections.delete(streams)
  }

  #cut(): void {
    let [greediest, most]: [Streams | undefined, number] = [undefined, 0]
    for (const streams of this.#connections) {
      const sum = [...streams.values()].reduce((total, { size }) => total + size, 0)
      if (sum > most) [greediest, most] = [streams, sum]
    }
    const [largest] = [...(greediest?.values() ?? [])].toSorted((a, b) => b.size - a.size)
    if (greediest === undefined || largest === undefined)
      throw new Error('more is held than counted')
    this.#forget(largest, greediest)
    largest.stream.abort(new Error('the streams of all peers together hold too much'))
  }
}

/** Gossip comes in messages of a few KiB on streams that last as long as the connection. */
const GOSSIP = /^\/(meshsub|floodsub)\//

function sizeOf({ stream, received }: Held): number {
  const largest = GOSSIP.test(stream.protocol) ? MAX_GOSSIP_BYTES : LARGEST_MESSAGE
  // What nobody reads yet is all still here.
  return Math.max(Math.min(received, largest), stream.readBufferLength)
}

function isInside(muxer: unknown): muxer is Inside {
  return typeof (muxer as Partial<Inside>).onRemoteStream === 'function'
}
