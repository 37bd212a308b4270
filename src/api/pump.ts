import { PACE_BYTES, rest } from './pace.ts'
import type { ServerResponse } from 'node:http'
import type { ByteRange } from '../registry/ports.ts'
import type { Throttle } from './pace.ts'
import type { Turns } from './turns.ts'

/** What is read at a time when memory is short, in bytes: a leaf of our trees, so that none is read twice. */
const WINDOW_BYTES = 1024 * 1024
/** What a reader that stops is left with then, in bytes. */
const SLICE_BYTES = 64 * 1024

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
  /** What it must not send more than; absent: as fast as it is taken. */
  pace?: Throttle | undefined
  /** Told how many bytes have gone. */
  counter: (sent: number) => void
}

/**
 * Sends a body piece by piece, no faster than the reader takes it, with one chunk in memory.
 *
 * A client must never take a body for complete whose source failed. Content-Length is announced, so an error after
 * the headers destroys the connection; and the chunk that would complete the body goes out only when
 * the source has ended well, because a source may find out at its end that the content was not what it claimed.
 * Before the first chunk nothing is sent, so that a failing source can still become an error answer.
 *
 * Usually the source is opened once and read to its end. When many send at once, it is read in windows, one a turn; and a
 * reader that does not take its window leaves the turn to others, and later goes on where it was.
 *
 * Own loop instead of Koa's or `stream.pipeline`: those buffer ahead and end the response when the source closes early.
 */
export class Pump {
  readonly #res: ServerResponse
  readonly #open: (part: ByteRange | undefined) => AsyncIterable<Uint8Array>
  readonly #options: PumpOptions
  /** Bytes written to the response. */
  #sent = 0
  /** How long to wait before the next byte, in ms, when the turn was left meanwhile. */
  #owed = 0
  /** Bytes that have waited for their time, and have not gone yet. */
  #paid = 0

  /** @param open reads a part of the body, or the whole of it */
  constructor(
    res: ServerResponse,
    open: (part: ByteRange | undefined) => AsyncIterable<Uint8Array>,
    options: PumpOptions,
  ) {
    this.#res = res
    this.#open = open
    this.#options = options
  }

  /** @throws what the source throws; an Error when it gives more or less than announced; AbortError when the client left */
  async run(): Promise<void> {
    const { length, signal, stallMs, turns } = this.#options
    try {
      do {
        await turns.take(signal)
        try {
          await this.#sendTo(this.#isInWindows ? Math.min(this.#windowEnd(), length) : length)
        } finally {
          turns.leave()
        }
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

  /** Sends up to the byte `end`, or less when others should have their turn. */
  async #sendTo(end: number): Promise<void> {
    const { length, signal, turns } = this.#options
    const start = this.#sent
    const isWhole = start === 0 && end === length
    const source = this.#open(isWhole ? undefined : { offset: start, length: end - start })
    let got = start
    let last: Uint8Array | undefined
    for await (const chunk of turns.lend(source)) {
      signal.throwIfAborted()
      if (chunk.length === 0) continue
      got += chunk.length
      if (got > end || last !== undefined) throw this.#wrongLength()
      if (got === length) last = chunk
      else if (!(await this.#give(chunk)) || (this.#isInWindows && end - got > WINDOW_BYTES)) return
    }
    if (got !== end) throw this.#wrongLength()
    signal.throwIfAborted()
    if (last !== undefined) await this.#give(last)
  }

  /** Gives the reader a chunk; in small copies when memory may run out. False: it takes too long for those who wait. */
  async #give(chunk: Uint8Array): Promise<boolean> {
    const { counter, turns, pace } = this.#options
    for (let at = 0; at < chunk.length;) {
      const piece = turns.isScarce
        ? Buffer.from(chunk.subarray(at, at + SLICE_BYTES))
        : chunk.subarray(at, pace && at + PACE_BYTES)
      if (pace !== undefined && !(await this.#keepsPace(piece.length, pace))) return false
      at += piece.length
      this.#sent += piece.length
      if (!this.#res.write(piece) && !(await drained(this.#res, this.#options))) return false
      counter(this.#sent)
    }
    return true
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
    return this.#options.turns.isCrowded && !this.#options.isAtOnce
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
  /** Who waits for them is let in after their patience, though the reader has not taken all. */
  turns?: Turns
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

/** Waits until the socket has taken what was written. False: it has not, and others want the turn. */
async function drained(res: ServerResponse, { stallMs, signal, turns }: Waits): Promise<boolean> {
  if (!res.writableNeedDrain) return true
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  const onDrain = (): void => resolve(true)
  const onAbort = (): void => reject(signal.reason as Error)
  const timer = turns && setInterval(() => turns.isAwaited && resolve(false), turns.patienceMs)
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
