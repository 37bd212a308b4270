import { MessageMeter } from './message-meter.ts'
import { guardNegotiation } from './negotiation-guard.ts'
import type { MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import type { CountedStream, StreamBudget } from './stream-budget.ts'

/** The parts of @libp2p/yamux 8 that its types hide; {@link isInside} checks that they are there. */
interface Inside {
  onRemoteStream(stream: CountedStream): void
  onData(data: unknown): void
  readonly decoder: { readonly buffer: { readonly byteLength: number } }
}

/**
 * The same muxer, with bounds on the streams that a peer opens to us, and on its frames: the stock one waits for the end
 * of a frame of any length, up to 4 GiB.
 */
export function guardedMuxer(
  make: () => StreamMuxerFactory,
  budget: StreamBudget,
): () => StreamMuxerFactory {
  return () => {
    const factory = make()
    const create = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = (connection) => guarded(create(connection), connection, budget)
    return factory
  }
}

function guarded(muxer: StreamMuxer, connection: MessageStream, budget: StreamBudget): StreamMuxer {
  if (!isInside(muxer))
    throw new Error('this version of @libp2p/yamux is not the one Heliport was written for')
  const meter = new MessageMeter()
  const account = budget.open((error) => {
    muxer.abort(error)
    connection.abort(error)
  })
  connection.addEventListener('close', () => account.close())
  const receive = muxer.onData.bind(muxer)
  muxer.onData = (data) => {
    receive(data)
    account.frame(muxer.decoder.buffer.byteLength)
  }
  const take = muxer.onRemoteStream.bind(muxer)
  muxer.onRemoteStream = (stream) => {
    guardNegotiation(stream)
    account.stream(stream, meter.watch(stream))
    take(stream)
  }
  return muxer
}

function isInside(muxer: StreamMuxer): muxer is StreamMuxer & Inside {
  const { onRemoteStream, onData, decoder } = muxer as StreamMuxer & Partial<Inside>
  return (
    typeof onRemoteStream === 'function' &&
    typeof onData === 'function' &&
    typeof decoder?.buffer.byteLength === 'number'
  )
}
