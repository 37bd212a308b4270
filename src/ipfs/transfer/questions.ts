import { isBlock } from '../block-kinds.ts'
import { decodeBits, encodeFrame } from './frames.ts'
import { FRAME, PRESENT, ProtocolError, cidOf } from './protocol.ts'
import type { Urgency } from '../../blocks/flights.ts'
import type { FrameType } from './protocol.ts'

/** A question that was not put, or not answered, because the peer is gone, silent or a liar. */
export class LinkError extends Error {
  static override readonly name = 'LinkError'
  override readonly name = 'LinkError'
}

/** One question of ours, and who waits for the answer. */
interface Question<T> {
  readonly hashes: readonly Uint8Array[]
  readonly urgency: Pick<Urgency, 'urgent'>
  readonly resolve: (answer: T) => void
  readonly reject: (error: Error) => void
  /** Nobody waits any more. */
  isDead: boolean
}

/** A kind of question: how it is put, and how its answer is read. */
export interface QuestionKind<T> {
  readonly ask: FrameType
  readonly answer: FrameType
  /** Questions that may be open at the peer. */
  readonly open: number
  /** @throws ProtocolError when the answer is none */
  read(hashes: readonly Uint8Array[], body: Uint8Array, isDead: boolean): T
}

/** Blocks under way from one peer: enough for a fast line with a long way, few enough for a slow one. */
const OPEN_BLOCKS = 8

/** "Give me this block": `undefined` when the peer has it not. */
export const BLOCKS: QuestionKind<Uint8Array | undefined> = {
  ask: FRAME.want,
  answer: FRAME.block,
  open: OPEN_BLOCKS,
  read(hashes, body, isDead) {
    const [hash] = hashes
    const block = body.subarray(1)
    if (body[0] !== PRESENT) {
      if (body.length !== 1) throw new ProtocolError('an absent block with bytes')
      return undefined
    }
    if (!isDead && hash !== undefined && !isBlock(cidOf(hash), block))
      throw new ProtocolError('another block than was asked for')
    return block
  },
}

/** "Which of these have you?" */
export const PRESENCE: QuestionKind<boolean[]> = {
  ask: FRAME.has,
  answer: FRAME.held,
  open: 2,
  read: (hashes, body) => decodeBits(body, hashes.length),
}

/** Questions that may wait to be put to one peer. */
const MAX_WAITING = 8192

/** Questions of one kind to one peer, answered in their order. Whoever owns it says what is sent and what has come. */
export class Questions<T> {
  readonly #kind: QuestionKind<T>
  readonly #waiting: Question<T>[] = []
  readonly #open: Question<T>[] = []
  readonly #send: (frame: Uint8Array) => void
  #isPumping = false

  /** @param send sends a frame; what it throws ends the link */
  constructor(kind: QuestionKind<T>, send: (frame: Uint8Array) => void) {
    this.#kind = kind
    this.#send = send
  }

  /** Questions without an answer. */
  get load(): number {
    return this.#waiting.length + this.#open.length
  }

  /** Questions that the peer has to answer. */
  get owed(): number {
    return this.#open.length
  }

  /**
   * Puts a question.
   *
   * @throws LinkError when it cannot be answered, and the signal's reason
   */
  ask(
    hashes: readonly Uint8Array[],
    options: { signal: AbortSignal; urgency?: Pick<Urgency, 'urgent'> | undefined },
  ): Promise<T> {
    const { signal, urgency = { urgent: true } } = options
    if (signal.aborted) return Promise.reject(signal.reason as Error)
    if (this.#waiting.length >= MAX_WAITING)
      return Promise.reject(new LinkError('too many questions wait for this peer'))
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const question: Question<T> = { hashes, urgency, resolve, reject, isDead: false }
    const onAbort = (): void => {
      question.isDead = true
      const at = this.#waiting.indexOf(question)
      if (at >= 0) this.#waiting.splice(at, 1)
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#waiting.push(question)
    this.#pumpSoon()
    return promise.finally(() => signal.removeEventListener('abort', onAbort))
  }

  /** An answer has come. @throws ProtocolError when it was not asked for, or is none */
  onAnswer(body: Uint8Array): void {
    const [question] = this.#open
    if (question === undefined) throw new ProtocolError('an answer without a question')
    const answer = this.#kind.read(question.hashes, body, question.isDead)
    this.#open.shift()
    question.resolve(answer)
    this.#pumpSoon()
  }

  /** No answer will come any more. */
  fail(error: Error): void {
    for (const { reject } of [...this.#open.splice(0), ...this.#waiting.splice(0)]) reject(error)
  }

  /** Questions of one turn go out in few frames. */
  #pumpSoon(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    queueMicrotask(() => {
      this.#isPumping = false
      this.#pump()
    })
  }

  #pump(): void {
    while (this.#open.length < this.#kind.open) {
      const next = this.#next()
      if (next === undefined) return
      this.#open.push(next)
      this.#send(encodeFrame(this.#kind.ask, ...next.hashes))
    }
  }

  /** What a reader waits for goes before what is fetched ahead. */
  #next(): Question<T> | undefined {
    const at = this.#waiting.findIndex(({ urgency }) => urgency.urgent)
    return this.#waiting.splice(Math.max(at, 0), 1)[0]
  }
}
