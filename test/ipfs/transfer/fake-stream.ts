import { createHash, randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { FrameReader } from '../../../src/ipfs/transfer/frames.ts'
import type { RawStream } from '../../../src/ipfs/transfer/frame-stream.ts'

type Events = Parameters<RawStream['addEventListener']>

/** A libp2p stream whose other end is the test: what is sent is kept, and the test says what comes and when. */
export class FakeStream implements RawStream {
  readonly #events = new EventTarget()
  readonly sent: Uint8Array[] = []
  /** Whether the other side takes what is sent. */
  takes = true
  writableNeedsDrain = false
  endedWith: Error | undefined
  status: RawStream['status'] = 'open'
  remoteWriteStatus: RawStream['remoteWriteStatus'] = 'writable'

  get isOpen(): boolean {
    return this.status === 'open'
  }

  send(data: Parameters<RawStream['send']>[0]): boolean {
    if (!this.isOpen) throw new Error('the stream is closed')
    this.sent.push(data instanceof Uint8Array ? data : data.subarray())
    this.writableNeedsDrain = !this.takes
    return this.takes
  }

  /** The other side takes again. */
  drain(): void {
    this.takes = true
    this.writableNeedsDrain = false
    this.#events.dispatchEvent(new Event('drain'))
  }

  /** Bytes come from the other side. */
  receive(...chunks: readonly Uint8Array[]): void {
    for (const data of chunks)
      this.#events.dispatchEvent(Object.assign(new Event('message'), { data }))
  }

  /** The other side sends no more. */
  receiveEnd(): void {
    this.remoteWriteStatus = 'closed'
    this.#events.dispatchEvent(new Event('remoteCloseWrite'))
  }

  /** The other side has had enough. */
  receiveReset(): void {
    this.#end('reset', new Error('the stream was reset'))
  }

  close(): Promise<void> {
    this.#end('closed', undefined)
    return Promise.resolve()
  }

  abort(error: Error): void {
    this.#end('aborted', error)
  }

  addEventListener(...[type, listener]: Events): void {
    this.#events.addEventListener(type, listener as (event: Event) => void)
  }

  /** Bytes that were sent. */
  get sentBytes(): number {
    return this.sent.reduce((sum, { length }) => sum + length, 0)
  }

  /** The frames that were sent. */
  frames(limits: ReadonlyMap<number, number>): Array<{ type: number; body: Uint8Array }> {
    const frames: Array<{ type: number; body: Uint8Array }> = []
    const reader = new FrameReader(limits, (type, body) => void frames.push({ type, body }))
    for (const chunk of this.sent) reader.push(chunk)
    return frames
  }

  #end(status: RawStream['status'], error: Error | undefined): void {
    if (!this.isOpen) return
    this.status = status
    this.endedWith = error
    this.#events.dispatchEvent(Object.assign(new Event('close'), { error }))
  }
}

export function hashOf(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}

/** Random bytes and their hash. */
export function someBlock(size = 1000): { bytes: Uint8Array; hash: Uint8Array } {
  const bytes = randomBytes(size)
  return { bytes, hash: hashOf(bytes) }
}

/** Lets everything run that waits for nothing but its turn. */
export function turn(): Promise<void> {
  return setImmediate()
}

/** Looks again at each turn until it is so. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
}
