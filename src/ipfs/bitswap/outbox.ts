import { BITSWAP } from './wire.ts'
import type { Libp2p, PeerId, Stream } from '@libp2p/interface'

/** What goes on the stream at once. Yamux makes one frame of it, and nobody sees any of it before all of it is there. */
const PIECE_BYTES = 64 * 1024

/** A peer may take so long over nothing at all, in ms, and a millisecond more for each so many bytes. */
const PATIENCE = 15_000
const SLOWEST = 64

/**
 * Sends one message on a stream of its own, no faster than it is taken.
 *
 * @param onMoved called each time that the peer has taken some of it
 * @throws when the peer cannot be reached, or takes too long
 */
export async function sendMessage(
  libp2p: Pick<Libp2p, 'dialProtocol'>,
  peer: PeerId,
  message: Uint8Array,
  { signal, onMoved = () => undefined }: { signal: AbortSignal; onMoved?: () => void },
): Promise<void> {
  const late = AbortSignal.timeout(PATIENCE + Math.ceil(message.length / SLOWEST))
  const either = AbortSignal.any([signal, late])
  const stream = await libp2p.dialProtocol(peer, BITSWAP, { signal: either })
  try {
    await stream.closeRead({ signal: either })
    for (let at = 0; at < message.length; at += PIECE_BYTES) {
      either.throwIfAborted()
      stream.send(message.subarray(at, at + PIECE_BYTES))
      if (stream.writableNeedsDrain) await drained(stream, either)
      onMoved()
    }
    await stream.close({ signal: either })
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)))
    throw error
  }
}

/** Not libp2p's `onDrain`, whose promise is resolved for good by the first drain. */
async function drained(stream: Stream, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onClose = (): void => reject(new Error('the stream was closed'))
  const onAbort = (): void => reject(signal.reason as Error)
  stream.addEventListener('drain', () => resolve(), { once: true })
  stream.addEventListener('close', onClose, { once: true })
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await promise
  } finally {
    stream.removeEventListener('close', onClose)
    signal.removeEventListener('abort', onAbort)
  }
}
