import { awaitsContinue } from './body.ts'
import { LeastRate } from './least-rate.ts'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** In less time nobody is called slow: a line may be bad for a moment, and the system passes on in leaps what it holds. */
const SHORT_MS = 15_000
/** Over so long `limits.minDownloadRate` must have been kept. */
const LONG_MS = 60_000

/** What a client does that we wait for: takes what it is sent, or sends what it has announced. */
type Awaited = 'reading' | 'sending'

/** How fast one connection gets on. Only the time counts in which we wait for its client, and not it for us. */
export class Progress {
  readonly #least: LeastRate
  #lookedAt = -Infinity
  #moved = 0
  #awaited: Awaited | undefined
  #ms = 0
  #bytes = 0
  #rate: number | undefined

  /** @param minDownloadRate bytes a second; 0: no reader is too slow */
  constructor(minDownloadRate: number) {
    this.#least = new LeastRate(minDownloadRate, LONG_MS)
  }

  /** When it was looked at last, in ms. */
  get lookedAt(): number {
    return this.#lookedAt
  }

  /** Bytes a second in the last quarter of a minute for which its client was waited for; `undefined`: that is not known. */
  get rate(): number | undefined {
    return this.#rate
  }

  /**
   * Looks how far it got. Whether its reader took less, for a minute, than it has to.
   *
   * @param awaits what we wait for now
   * @param moved bytes that came and that were taken, ever
   */
  look(now: number, awaits: Awaited | undefined, moved: number): boolean {
    const ms = now - this.#lookedAt
    const bytes = moved - this.#moved
    const before = this.#awaited
    this.#lookedAt = now
    this.#moved = moved
    this.#awaited = awaits
    if (awaits === undefined || awaits !== before) {
      // Once may be between two pieces; twice, and the client has caught up.
      if (awaits === before || (awaits !== undefined && before !== undefined)) this.#forget()
      return false
    }
    this.#count(ms, bytes)
    if (awaits === 'sending') return false
    this.#least.got(bytes)
    return this.#least.isMissedAfter(ms)
  }

  #count(ms: number, bytes: number): void {
    this.#ms += ms
    this.#bytes += bytes
    if (this.#ms < SHORT_MS) return
    this.#rate = (this.#bytes / this.#ms) * 1000
    this.#ms = 0
    this.#bytes = 0
  }

  #forget(): void {
    this.#rate = undefined
    this.#ms = 0
    this.#bytes = 0
    this.#least.reset()
  }
}

/** What we wait for on a connection, whose oldest open request is `req`; `undefined`: it waits for us. */
export function awaited(socket: Socket, req: IncomingMessage): Awaited | undefined {
  if (socket.writableLength > 0) return 'reading'
  const isShort = !req.complete && req.readableLength === 0 && !awaitsContinue(req)
  return isShort ? 'sending' : undefined
}

/** Bytes that came on a connection, and that the system has taken for its client, also of a piece that it has not taken whole. */
export function movedBytes(socket: Socket): number {
  const { bytesRead, bytesWritten, writableLength } = socket
  const { _handle: handle } = socket as Socket & { _handle?: Partial<Queue> | null }
  // Node knows it, and has no public name for it: its own timer for sockets looks at the same. A piece may have 1 MiB.
  if (handle?.bytesWritten === undefined || handle.writeQueueSize === undefined)
    return bytesRead + bytesWritten - writableLength
  return bytesRead + handle.bytesWritten - handle.writeQueueSize
}

interface Queue {
  readonly bytesWritten: number
  readonly writeQueueSize: number
}
