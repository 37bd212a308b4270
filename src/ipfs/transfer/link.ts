import { FrameStream } from './frame-stream.ts'
import { decodeHashes, encodeFrame } from './frames.ts'
import { decodePeers } from './peer-list.ts'
import { ANSWERS, FRAME, HASH_BYTES, ProtocolError } from './protocol.ts'
import { BLOCKS, LinkError, PRESENCE, Questions } from './questions.ts'
import type { Urgency } from '../../blocks/flights.ts'
import type { RawStream } from './frame-stream.ts'
import type { NamedPeer } from './peer-list.ts'
import type { FrameType } from './protocol.ts'

/** When a peer counts as silent or too slow. */
export interface LinkTimes {
  /** In this time, in ms, so many bytes or one whole answer must come while something is owed. */
  idle: number
  least: number
  /** The longest time that one block may take once it is its turn, in ms. */
  block: number
}

const LINK_TIMES: LinkTimes = { idle: 10_000, least: 16 * 1024, block: 60_000 }

/** Why a link ended: the peer's fault, or nobody's. `late`: a reader waited for what it said it has, and nothing came. */
export type Fault = 'none' | 'slow' | 'late' | 'lie'

export interface LinkOptions {
  /** Others that greeted for a root of ours, as the peer names them. */
  readonly onPeers: (root: Uint8Array, peers: readonly NamedPeer[]) => void
  /** Blocks that have come to the peer. */
  readonly onNews: (hashes: readonly Uint8Array[]) => void
  /** The link is of no use any more; called once. */
  readonly onEnd: (fault: Fault) => void
  readonly times?: Partial<LinkTimes> | undefined
}

/**
 * The asking side of one stream to one peer. Several blocks are asked for at once and come one after the other. A peer
 * that sends something else than was asked for, or too slowly, costs us the link, and all questions are free at once to
 * be put to others.
 */
export class Link {
  readonly #stream: FrameStream
  readonly #options: LinkOptions
  readonly #times: LinkTimes
  readonly #blocks: Questions<Uint8Array | undefined>
  readonly #presence: Questions<boolean[]>
  readonly #watch: NodeJS.Timeout
  #fault: Fault = 'none'
  #hasGreeted = false
  /** What was seen of the peer at the last look, and when. */
  #mark = { at: 0, received: 0, answers: 0 }
  #answers = 0
  /** When the block that is to come next became the next. */
  #turn = 0

  constructor(stream: RawStream, options: LinkOptions) {
    this.#options = options
    this.#times = { ...LINK_TIMES, ...options.times }
    this.#stream = new FrameStream(stream, ANSWERS, {
      onFrame: (type, body) => this.#onFrame(type, body),
      onRemoteEnd: () => this.#end('none', new LinkError('the peer ended the stream')),
      onEnd: (error) => this.#onEnd(error),
    })
    const send = (frame: Uint8Array): void => this.#send(frame)
    this.#blocks = new Questions(BLOCKS, send)
    this.#presence = new Questions(PRESENCE, send)
    const often = Math.max(Math.min(this.#times.idle, this.#times.block) / 10, 5)
    this.#watch = setInterval(() => this.#look(), often).unref()
  }

  /** Blocks that were asked for and have not come. */
  get load(): number {
    return this.#blocks.load
  }

  get isOpen(): boolean {
    return !this.#stream.ended.aborted
  }

  /**
   * A block, checked; `undefined` when the peer has it not.
   *
   * @throws LinkError when this peer will not answer any more, and the signal's reason
   */
  block(
    hash: Uint8Array,
    options: { signal: AbortSignal; urgency?: Urgency | undefined },
  ): Promise<Uint8Array | undefined> {
    if (!this.isOpen) return Promise.reject(new LinkError('the link is closed'))
    if (this.#blocks.load === 0) this.#turn = performance.now()
    this.#beginOwing()
    return this.#blocks.ask([hash], options)
  }

  /** Which of these blocks, at most 256, the peer has. @throws as {@link block} */
  has(hashes: readonly Uint8Array[], options: { signal: AbortSignal }): Promise<boolean[]> {
    if (!this.isOpen) return Promise.reject(new LinkError('the link is closed'))
    this.#beginOwing()
    return this.#presence.ask(hashes, options)
  }

  /** Tells the peer that we hold or fetch this root. */
  greet(root: Uint8Array): void {
    this.#hasGreeted = true
    this.#send(encodeFrame(FRAME.hello, root))
  }

  /** Ends it, and frees all that was asked of the peer, if no block has come for so long, in ms. */
  endIfStalled(since: number): void {
    if (this.#blocks.load > 0 && performance.now() - this.#turn >= since)
      this.#end('late', new LinkError('a reader waited too long for the peer'))
  }

  close(): void {
    this.#end('none', new LinkError('the link is not needed any more'))
  }

  #onFrame(type: FrameType, body: Uint8Array): void {
    this.#answers++
    if (type === FRAME.block) {
      this.#blocks.onAnswer(body)
      this.#turn = performance.now()
    } else if (type === FRAME.held) {
      this.#presence.onAnswer(body)
    } else if (!this.#hasGreeted) {
      throw new ProtocolError('news that nobody asked for')
    } else if (type === FRAME.peers) {
      this.#options.onPeers(body.subarray(0, HASH_BYTES), decodePeers(body.subarray(HASH_BYTES)))
    } else {
      this.#options.onNews(decodeHashes(body))
    }
  }

  #send(frame: Uint8Array): void {
    if (!this.isOpen) return // whoever waits has been told already
    try {
      this.#stream.send(frame)
    } catch (error) {
      this.#end('none', new LinkError('the peer cannot be asked', { cause: error }))
    }
  }

  #beginOwing(): void {
    if (!this.isOpen || this.#isOwed()) return
    this.#setMark()
  }

  #isOwed(): boolean {
    return this.#blocks.load + this.#presence.load > 0
  }

  #look(): void {
    if (!this.#isOwed()) return
    const now = performance.now()
    if (this.#blocks.load > 0 && now - this.#turn > this.#times.block)
      this.#end('slow', new LinkError('the peer took too long for a block'))
    if (now - this.#mark.at < this.#times.idle) return
    const { received, answers } = this.#mark
    if (this.#answers === answers && this.#stream.received - received < this.#times.least)
      this.#end('slow', new LinkError('the peer fell silent'))
    this.#setMark()
  }

  #setMark(): void {
    const { received } = this.#stream
    this.#mark = { at: performance.now(), received, answers: this.#answers }
  }

  #end(fault: Fault, error: LinkError): void {
    if (!this.isOpen) return
    this.#fault = fault
    this.#stream.abort(error)
  }

  #onEnd(error: Error | undefined): void {
    clearInterval(this.#watch)
    const reason =
      error instanceof LinkError ? error : new LinkError('the link broke', { cause: error })
    this.#blocks.fail(reason)
    this.#presence.fail(reason)
    this.#options.onEnd(error instanceof ProtocolError ? 'lie' : this.#fault)
  }
}
