import { FrameReader } from './frames.ts'
import { ProtocolError } from './protocol.ts'
import type { Stream } from '@libp2p/interface'
import type { FrameType } from './protocol.ts'

/**
 * Bytes handed to the stream at once. Yamux makes one frame of them, and the other side sees none of it before it has
 * all: on a slow line a larger piece would look like silence.
 */
export const PIECE_BYTES = 64 * 1024

/** What a stream is of libp2p's, as far as frames need it. */
export type RawStream = Pick<
  Stream,
  | 'send'
  | 'abort'
  | 'close'
  | 'addEventListener'
  | 'writableNeedsDrain'
  | 'status'
  | 'remoteWriteStatus'
>

/** Who uses a stream of frames. */
export interface FrameHandler {
  /** @throws ProtocolError, which ends the stream */
  onFrame(type: FrameType, body: Uint8Array): void
  /** The other side sends no more. */
  onRemoteEnd(): void
  /** The stream is gone; called once. */
  onEnd(error: Error | undefined): void
}

/** Frames over a libp2p stream. */
export class FrameStream {
  readonly #stream: RawStream
  readonly #handler: FrameHandler
  readonly #ended = new AbortController()
  #received = 0
  #drained: PromiseWithResolvers<void> | undefined

  /** @param limits the longest body of each type that may come */
  constructor(stream: RawStream, limits: ReadonlyMap<number, number>, handler: FrameHandler) {
    this.#stream = stream
    this.#handler = handler
    const reader = new FrameReader(limits, (type, body) => handler.onFrame(type, body))
    stream.addEventListener('message', ({ data }) => {
      if (this.#ended.signal.aborted) return
      this.#received += data.byteLength
      try {
        if (data instanceof Uint8Array) reader.push(data)
        else for (const chunk of data) reader.push(chunk)
      } catch (error) {
        this.abort(error instanceof Error ? error : new Error(String(error)))
        if (!(error instanceof ProtocolError)) throw error
      }
    })
    stream.addEventListener('drain', () => {
      this.#drained?.resolve()
      this.#drained = undefined
    })
    stream.addEventListener('remoteCloseWrite', () => handler.onRemoteEnd())
    stream.addEventListener('close', ({ error }) => this.#end(error))
    const { status, remoteWriteStatus } = stream
    if (isGone(status) || remoteWriteStatus === 'closed')
      // Later: whoever made us has not got us yet, and what came before the end is told first.
      queueMicrotask(() => this.#catchUp(status))
  }

  /** Bytes that have come. */
  get received(): number {
    return this.#received
  }

  /** Aborted when the stream is gone. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** Sends something short without waiting. @throws when the stream is gone */
  send(bytes: Uint8Array): void {
    this.#ended.signal.throwIfAborted()
    this.#stream.send(bytes)
  }

  /**
   * Sends, no faster than it is taken; at most one piece is held back here. Only the end of the stream ends it early.
   *
   * @param before called before each piece with its bytes
   * @throws when the stream is gone
   */
  async write(bytes: Uint8Array, before?: (bytes: number) => Promise<void>): Promise<void> {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES)
      await before?.(piece.length)
      this.send(piece)
      while (this.#stream.writableNeedsDrain) await this.#drain()
    }
  }

  /** Says that nothing more will be sent. */
  async close(signal: AbortSignal): Promise<void> {
    await this.#stream.close({ signal })
  }

  /** Ends the stream at once, both ways. */
  abort(error: Error): void {
    this.#stream.abort(error)
    // Of a stream that was gone already no event comes any more.
    this.#end(error)
  }

  /** Not libp2p's `onDrain`, whose promise is resolved for good by the first drain. */
  #drain(): Promise<void> {
    this.#ended.signal.throwIfAborted()
    this.#drained ??= Promise.withResolvers<void>()
    return this.#drained.promise
  }

  /**
   * What happened before we listened: libp2p has a stream for a while (it notes down the peer's protocols) before it hands
   * it over, in which the other side may end or reset it. Those events do not come again, and a stream that is never told
   * as gone would be counted, and waited for, for ever.
   */
  #catchUp(status: RawStream['status']): void {
    if (isGone(status)) this.#end(new Error(`the stream was ${status} before it was handed over`))
    else if (!this.#ended.signal.aborted) this.#handler.onRemoteEnd()
  }

  #end(error: Error | undefined): void {
    if (this.#ended.signal.aborted) return
    this.#ended.abort(error ?? new Error('the stream was closed'))
    this.#drained?.reject(this.#ended.signal.reason as Error)
    this.#handler.onEnd(error)
  }
}

function isGone(status: RawStream['status']): boolean {
  return status !== 'open' && status !== 'closing'
}
