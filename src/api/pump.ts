import { PACE_BYTES, rest } from './pace.ts'
import type { ServerResponse } from 'node:http'
import type { ByteRange } from '../registry/ports.ts'
import type { Throttle } from './pace.ts'
import type { Turns } from './turns.ts'

/** What is read in a turn when many send, in bytes: a leaf of our trees. */
const WINDOW_BYTES = 1024 * 1024
/** What a reader that stops is left with then, in bytes. A body that is no longer needs no turn. */
const SLICE_BYTES = 64 * 1024
/** When others wait, a reader has so many ms for what it was given. */
const GRACE_MS = 20

/** How a {@link Pump} sends. */
export interface PumpOptions {
  /** Bytes announced as Content-Length. */
  length: number
  /** A part costs as much as the whole, so windows would only make the reader wait. */
  isAtOnce: boolean
  /** A reader that takes nothing for so many ms is cut off. */
  stallMs: number
  /** Aborted when the connection closes. */
  signal: AbortSignal
  turns: Turns
  /** Whose request it is, for its turn. */
  client: string
  /** What it must not send more than; absent: as fast as it is taken. */
  pace?: Throttle | undefined
  /** Told how many bytes have gone. */
  counter: (sent: number) => void
}

/** Reads a part of a body, or the whole of it. @param how `piece`: in pieces of at most so many bytes, each read when it is asked for */
export type OpenBody = (
  part: ByteRange | undefined,
  how: { piece: number | undefined },
) => AsyncIterable<Uint8Array>

/**
 * Sends a body piece by piece, no faster than the reader takes it, with one chunk in memory.
 *
 * A client must never take a body for complete whose source failed. Content-Length is announced, so an error after
 * the headers destroys the connection; and the chunk that would complete the body goes out only when
 * the source has ended well, because a source may find out at its end that the content was not what it claimed.
 * Before the first chunk nothing is sent, so that a failing source can still become an error answer.
 *
 * Usually the source is opened once and read to its end, leaf by leaf and some leaves ahead. A reader that does not take
 * what it was given loses its turn, and with it all that is held for it but the chunk in its socket. Later it goes on
 * where it was, as all do when many send at once: in windows, one a turn, and nothing ahead. Until it has taken a window
 * without a stop, it is read for slice by slice.
 *
 * Own loop instead of Koa's or `stream.pipeline`: those buffer ahead and end the response when the source closes early.
 */
export class Pump {
  readonly #res: ServerResponse
  readonly #open: OpenBody
  readonly #options: PumpOptions
  /** Bytes written to the response. */
  #sent = 0
  /** How long to wait before the next byte, in ms, when the turn was left meanwhile. */
  #owed = 0
  /** Bytes that have waited for their time, and have not gone yet. */
  #paid = 0
  /** Whether the reader left its last turn with something that it had not taken. */
  #isSlow = false
  /** Whether it has taken all that it was given in its last turn. */
  #isQuick = false

  constructor(res: ServerResponse, open: OpenBody, options: PumpOptions) {
    this.#res = res
    this.#open = open
    this.#options = options
  }

  /** @throws what the source throws; an Error when it gives more or less than announced; AbortError when the client left */
  async run(): Promise<void> {
    const { length, signal, stallMs, turns } = this.#options
    using _ = turns.body()
    try {
      do {
        await this.#inTurn()
        // Nothing of the content is held meanwhile, but what is in the socket's own queue.
        await this.#waitWithoutTurn()
        if (this.#sent < length) await drained(this.#res, { stallMs, signal })
      } while (this.#sent < length)
      this.#res.end()
    } catch (error) {
      if (this.#res.headersSent) this.#res.destroy()
      throw error
    }
  }

  async #inTurn(): Promise<void> {
    const { length, signal, turns, client } = this.#options
    // What is small is no more than a slow reader holds without a turn.
    if (length <= SLICE_BYTES) return this.#sendTo(length)
    await turns.take({ client, isSlow: this.#isSlow, signal })
    try {
      await this.#sendTo(this.#isInWindows ? Math.min(this.#windowEnd(), length) : length)
    } finally {
      turns.leave()
    }
  }

  /** Sends up to the byte `end`, or less when others should have their turn. */
  async #sendTo(end: number): Promise<void> {
    const { length, signal, turns } = this.#options
    const start = this.#sent
    const isWhole = start === 0 && end === length
    const part = isWhole ? undefined : { offset: start, length: end - start }
    const piece = this.#isInSlices ? SLICE_BYTES : undefined
    let got = start
    let last: Uint8Array | undefined
    for await (const chunk of turns.lend(this.#open(part, { piece }))) {
      signal.throwIfAborted()
      if (chunk.length === 0) continue
      got += chunk.length
      if (got > end || last !== undefined) throw this.#wrongLength()
      if (got === length) last = chunk
      else if (!(await this.#give(chunk)) || (this.#isInWindows && end - got > WINDOW_BYTES)) return
    }
    if (got !== end) throw this.#wrongLength()
    signal.throwIfAborted()
    this.#isSlow = false
    this.#isQuick = true
    if (last !== undefined) await this.#give(last)
  }

  /** Gives the reader a chunk; in small copies when many send. False: it takes too long to keep the turn. */
  async #give(chunk: Uint8Array): Promise<boolean> {
    const { counter, pace } = this.#options
    for (let at = 0; at < chunk.length;) {
      const piece = this.#pieceOf(chunk, at)
      if (pace !== undefined && !(await this.#keepsPace(piece.length, pace))) return false
      at += piece.length
      this.#sent += piece.length
      if (!this.#res.write(piece) && !(await this.#isTaken())) {
        this.#isSlow = true
        this.#isQuick = false
        return false
      }
      counter(this.#sent)
    }
    return true
  }

  #pieceOf(chunk: Uint8Array, at: number): Uint8Array {
    const { pace } = this.#options
    if (!this.#isInWindows) return chunk.subarray(at, pace && at + PACE_BYTES)
    const piece = chunk.subarray(at, at + SLICE_BYTES)
    // A view would keep all of the leaf in memory for as long as the reader takes.
    return piece.buffer.byteLength > 2 * SLICE_BYTES ? Buffer.from(piece) : piece
  }

  /** Waits until the reader has taken what it was given. False: it keeps its turn no longer. */
  #isTaken(): Promise<boolean> {
    const { stallMs, signal, turns, isAtOnce } = this.#options
    let waited = 0
    const mayWait = (ms: number): boolean => {
      waited += ms
      // What has to be read as a whole would have to be read again: its turn is left only when somebody waits for it.
      if (isAtOnce) return waited < turns.patienceMs || !turns.isAwaited
      return waited < turns.patienceMs && !turns.isAwaited
    }
    return drained(this.#res, { stallMs, signal, mayWait })
  }

  /** Waits until so many bytes may go. False: that is too long for those who wait for the turn; they are paid for. */
  async #keepsPace(bytes: number, pace: Throttle): Promise<boolean> {
    const { signal, turns } = this.#options
    const unpaid = Math.max(0, bytes - this.#paid)
    this.#paid -= bytes - unpaid
    for (let left = unpaid === 0 ? 0 : pace.take(unpaid); left > 0;) {
      const wait = Math.min(left, turns.patienceMs)
      await rest(wait, signal)
      signal.throwIfAborted()
      left -= wait
      if (left === 0 || !turns.isAwaited) continue
      this.#paid += bytes
      this.#owed = left
      return false
    }
    return true
  }

  async #waitWithoutTurn(): Promise<void> {
    const ms = this.#owed
    this.#owed = 0
    if (ms > 0) await rest(ms, this.#options.signal)
  }

  get #isInWindows(): boolean {
    const { turns, isAtOnce } = this.#options
    return !isAtOnce && (this.#isSlow || turns.isCrowded)
  }

  /** Who is quick takes a leaf at once, and then it is less work to read it at once. Of many, each has to prove that. */
  get #isInSlices(): boolean {
    return (this.#isInWindows && !this.#isQuick) || this.#options.length <= SLICE_BYTES
  }

  #windowEnd(): number {
    return (Math.floor(this.#sent / WINDOW_BYTES) + 1) * WINDOW_BYTES
  }

  #wrongLength(): Error {
    return new Error(
      `the source did not give the ${this.#options.length} bytes that were announced`,
    )
  }
}

/** How long the reader may take. */
interface Waits {
  /** One that takes nothing for so many ms is cut off. */
  stallMs: number
  /** Aborted when the connection closes. */
  signal: AbortSignal
  /** Asked after each so many ms. False: it is not waited for any longer. Absent: it is. */
  mayWait?: (ms: number) => boolean
}

/** Writes a chunk and waits until the socket has taken it. Cuts a reader off that takes nothing for `stallMs`. */
export async function writeChunk(
  res: ServerResponse,
  chunk: Uint8Array,
  stallMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (!res.write(chunk)) await drained(res, { stallMs, signal })
}

/** Waits until the socket has taken what was written. False: it has not, and was not waited for any longer. */
async function drained(res: ServerResponse, { stallMs, signal, mayWait }: Waits): Promise<boolean> {
  if (!res.writableNeedDrain) return true
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  const onDrain = (): void => resolve(true)
  const onAbort = (): void => reject(signal.reason as Error)
  const timer = mayWait && setInterval(() => mayWait(GRACE_MS) || resolve(false), GRACE_MS)
  res.once('drain', onDrain)
  signal.addEventListener('abort', onAbort, { once: true })
  // The socket's own timer knows how much of what was written is still queued, so a slow reader resets it; when it
  // fires, http destroys the socket. It is off while we wait for the source, which is not the reader's fault.
  res.socket?.setTimeout(stallMs)
  try {
    if (signal.aborted) onAbort()
    return await promise
  } finally {
    clearInterval(timer)
    res.off('drain', onDrain)
    signal.removeEventListener('abort', onAbort)
    res.socket?.setTimeout(0)
  }
}
