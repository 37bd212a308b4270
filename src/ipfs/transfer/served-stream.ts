import { FrameStream } from './frame-stream.ts'
import { decodeHashes, encodeBits, encodeFrame, frameHeader } from './frames.ts'
import {
  ABSENT,
  FRAME,
  MAX_ASKED,
  MAX_OPEN_QUESTIONS,
  MAX_OPEN_WANTS,
  MAX_ROOTS,
  HASH_BYTES,
  PRESENT,
  ProtocolError,
  QUESTIONS,
  cidOf,
} from './protocol.ts'
import { encodePeers } from './peer-list.ts'
import { keyOfHash } from '../block-kinds.ts'
import type { Asker, Hold } from '../fair-slots.ts'
import type { CID } from 'multiformats/cid'
import type { RawStream } from './frame-stream.ts'
import type { NamedPeer } from './peer-list.ts'
import type { FrameType } from './protocol.ts'
import type { PeerUse, ServerUse } from './server-limits.ts'

/** What a peer may see of our blocks: what is not for it does not exist. */
export interface ServedBlocks {
  has(cid: CID): Promise<boolean>
  /** The block, checked; `undefined` when it is not here, or damaged. */
  read(cid: CID): Promise<Uint8Array | undefined>
}

/** What a stream is served with. */
export interface Serving {
  readonly blocks: ServedBlocks
  /** Whose it is. */
  readonly asker: Asker
  readonly use: ServerUse
  readonly peerUse: PeerUse
  /** The peer greets for a root; who else did. */
  onHello(root: Uint8Array): void
  /** Others that greeted for this root. */
  peersOf(root: Uint8Array): Promise<NamedPeer[]>
  onEnd(): void
}

/** One thing to answer; `peers` and `news` come up by themselves too. */
type Question =
  | { readonly kind: 'block'; readonly hash: Uint8Array; loaded?: Promise<Loaded> }
  | { readonly kind: 'held'; readonly hashes: readonly Uint8Array[] }
  | { readonly kind: 'peers'; readonly root: Uint8Array }
  | { readonly kind: 'news' }

interface Loaded {
  readonly bytes: Uint8Array | undefined
  readonly release: () => void
}

const STALLED = new Error('others wait for blocks, and the peer takes none of its own')

/** Blocks read ahead of the one that is being sent. */
const READ_AHEAD = 1

/**
 * The answering side of one stream. Answers go out in the order of the questions, one after the other and no faster than
 * they are taken, so a stream costs two blocks of memory at most.
 */
export class ServedStream {
  readonly #serving: Serving
  readonly #stream: FrameStream
  readonly #queue: Question[] = []
  /** Slots of blocks that are read or sent. */
  readonly #holds = new Set<Hold>()
  /** Roots that the peer greeted for, by key. */
  readonly #roots = new Map<string, Uint8Array>()
  /** Hashes that the peer is to be told of. */
  #news: Uint8Array[] = []
  #working = false
  #isSending = false
  #isLast = false
  #idle: NodeJS.Timeout | undefined

  constructor(stream: RawStream, serving: Serving) {
    this.#serving = serving
    this.#stream = new FrameStream(stream, QUESTIONS, {
      onFrame: (type, body) => this.#onFrame(type, body),
      onRemoteEnd: () => this.#onLast(),
      onEnd: () => this.#onEnd(),
    })
    this.#rest()
  }

  /** Tells the peer anew who greeted for this root, if it did. */
  tellPeers(key: string): void {
    const root = this.#roots.get(key)
    if (root === undefined) return
    if (!this.#queue.some((open) => open.kind === 'peers' && open.root === root))
      this.#add([{ kind: 'peers', root }])
  }

  /** Tells the peer of a block that has come here, if it greeted for the root above it. */
  tellNews(key: string, hash: Uint8Array): void {
    if (!this.#roots.has(key)) return
    this.#news.push(hash)
    // Of a peer that does not listen the oldest news are forgotten: it can still ask.
    if (this.#news.length > MAX_ASKED) this.#news.shift()
    if (!this.#queue.some(({ kind }) => kind === 'news')) this.#add([{ kind: 'news' }])
  }

  abort(error: Error): void {
    this.#stream.abort(error)
  }

  #onFrame(type: FrameType, body: Uint8Array): void {
    if (this.#isLast) throw new ProtocolError('a question after the last one')
    if (type === FRAME.hello) {
      if (body.length !== HASH_BYTES) throw new ProtocolError('a root of another length')
      this.#greet(body)
    } else if (type === FRAME.want) {
      this.#add(decodeHashes(body).map((hash) => ({ kind: 'block', hash })))
    } else {
      this.#add([{ kind: 'held', hashes: decodeHashes(body) }])
    }
  }

  #greet(root: Uint8Array): void {
    const key = keyOfHash(root)
    this.#roots.delete(key)
    this.#roots.set(key, root)
    const [oldest] = this.#roots.keys()
    if (this.#roots.size > MAX_ROOTS && oldest !== undefined) this.#roots.delete(oldest)
    this.#serving.onHello(root)
    this.tellPeers(key)
  }

  #add(questions: readonly Question[]): void {
    this.#queue.push(...questions)
    const wants = this.#queue.filter(({ kind }) => kind === 'block').length
    const others = this.#queue.length - wants
    if (wants > MAX_OPEN_WANTS || others > MAX_OPEN_QUESTIONS + MAX_ROOTS + 1)
      throw new ProtocolError('too many questions at once')
    clearTimeout(this.#idle)
    if (!this.#working) void this.#work()
  }

  /** Answers what is asked. Never rejects: what goes wrong with a stream ends it, and nothing else. */
  async #work(): Promise<void> {
    this.#working = true
    try {
      for (let question = this.#next(); question !== undefined; question = this.#next())
        await this.#answer(question)
      if (this.#isLast)
        await this.#stream.close(AbortSignal.timeout(this.#serving.use.limits.patience))
      else this.#rest()
    } catch (error) {
      this.#stream.abort(error instanceof Error ? error : new Error(String(error)))
    } finally {
      this.#working = false
    }
  }

  /** Takes the next question, and begins to read the blocks after it. */
  #next(): Question | undefined {
    const question = this.#queue.shift()
    if (question?.kind === 'block') this.#startLoading(question)
    for (const later of this.#queue.slice(0, READ_AHEAD))
      if (later.kind === 'block') this.#startLoading(later)
    return question
  }

  #startLoading(question: Question & { kind: 'block' }): void {
    if (question.loaded !== undefined) return
    question.loaded = this.#load(question.hash)
    question.loaded.catch(() => undefined) // awaited when its turn comes
  }

  async #load(hash: Uint8Array): Promise<Loaded> {
    const { asker, use, peerUse, blocks } = this.#serving
    const { ended } = this.#stream
    // While nothing is sent our own disk is waited for, which is not the peer's fault.
    const onStalled = (): void => {
      if (this.#isSending) this.#stream.abort(STALLED)
    }
    await peerUse.lookups.take(1, ended)
    const releaseOwn = await peerUse.blocks.take(ended)
    try {
      const hold = await use.blocks.take(asker, { signal: ended, onStalled })
      this.#holds.add(hold)
      const release = (): void => {
        this.#holds.delete(hold)
        hold.release()
        releaseOwn()
      }
      try {
        return { bytes: await blocks.read(cidOf(hash)), release }
      } catch (error) {
        release()
        throw error
      }
    } catch (error) {
      releaseOwn()
      throw error
    }
  }

  async #answer(question: Question): Promise<void> {
    switch (question.kind) {
      case 'block':
        return this.#sendBlock(await (question.loaded ?? this.#load(question.hash)))
      case 'held':
        return this.#sendHeld(question.hashes)
      case 'peers':
        return this.#sendPeers(question.root)
      case 'news':
        return this.#sendNews()
    }
  }

  async #sendBlock({ bytes, release }: Loaded): Promise<void> {
    try {
      if (bytes === undefined) {
        await this.#write(frameHeader(FRAME.block, 1, ABSENT))
      } else {
        this.#stream.send(frameHeader(FRAME.block, 1 + bytes.length, PRESENT))
        await this.#write(bytes)
        this.#serving.use.sent += bytes.length
      }
    } finally {
      release()
    }
  }

  async #sendHeld(hashes: readonly Uint8Array[]): Promise<void> {
    const { blocks, peerUse } = this.#serving
    await peerUse.lookups.take(hashes.length, this.#stream.ended)
    const held: boolean[] = []
    for (const hash of hashes) held.push(await blocks.has(cidOf(hash)))
    await this.#write(encodeFrame(FRAME.held, encodeBits(held)))
  }

  async #sendPeers(root: Uint8Array): Promise<void> {
    const peers = await this.#serving.peersOf(root)
    await this.#write(encodeFrame(FRAME.peers, root, encodePeers(peers)))
  }

  async #sendNews(): Promise<void> {
    const hashes = this.#news
    this.#news = []
    const told: Uint8Array[] = []
    for (const hash of hashes) if (await this.#serving.blocks.has(cidOf(hash))) told.push(hash)
    if (told.length > 0) await this.#write(encodeFrame(FRAME.news, ...told))
  }

  /** Sends, and ends the stream of a peer that takes it too slowly. */
  async #write(bytes: Uint8Array): Promise<void> {
    const { limits } = this.#serving.use
    const { rate } = this.#serving.peerUse
    const slowest = Math.min(limits.slowest, (limits.peerRate ?? Infinity) / 2000)
    const timer = setTimeout(
      () => this.#stream.abort(new Error('the peer reads too slowly')),
      limits.patience + bytes.length / slowest,
    ).unref()
    this.#isSending = true
    try {
      await this.#stream.write(bytes, async (length) => {
        // The block that is read ahead cannot move before this one has.
        for (const hold of this.#holds) hold.moved()
        await rate?.take(length, this.#stream.ended)
      })
    } finally {
      this.#isSending = false
      clearTimeout(timer)
    }
  }

  #onLast(): void {
    this.#isLast = true
    if (!this.#working) void this.#work()
  }

  #rest(): void {
    this.#idle = setTimeout(
      () => this.#stream.abort(new Error('nothing was asked for a while')),
      this.#serving.use.limits.idle,
    ).unref()
  }

  #onEnd(): void {
    clearTimeout(this.#idle)
    for (const question of this.#queue.splice(0)) {
      if (question.kind === 'block')
        question.loaded?.then(
          ({ release }) => release(),
          () => undefined,
        )
    }
    this.#serving.onEnd()
  }
}
