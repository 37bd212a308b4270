import { keyOf } from '../block-kinds.ts'
import { FairSlots } from '../fair-slots.ts'
import { encodeAnswer } from './wire.ts'
import type { CID } from 'multiformats/cid'
import type { Asker } from '../fair-slots.ts'
import type { Want } from './wire.ts'

/** Blocks of one answer: when there are as many bytes, the rest goes into another. */
const ANSWER_BYTES = 1024 * 1024
/** What is said of blocks in one answer. */
const ANSWER_PRESENCES = 1024
/** Wants of one peer that are kept; Kubo keeps as many of ours. */
const MAX_WANTS = 1024
/** Answers under way to one peer: the disk works for the second while the first is sent. */
const AT_ONCE_PER_PEER = 2
/** Answers under way to all peers, and to those of one host. Each has up to 3 MiB in memory, twice while it is encoded. */
const AT_ONCE = 24
const AT_ONCE_PER_HOST = 12
/** Who takes nothing of an answer for so long, in ms, is dropped when others wait for theirs. */
const STALLED = 6_000

/** What peers may have, and how it comes to them. */
export interface WantServerParts {
  readonly blocks: {
    has(cid: CID): Promise<boolean>
    /** The block, checked; `undefined` when it is not here. */
    read(cid: CID): Promise<Uint8Array | undefined>
  }
  /** Sends a message, and tells each time that the peer took some of it. Rejects when it does not take it. */
  readonly send: (peer: string, message: Uint8Array, options: SendOptions) => Promise<void>
  /** Ends the connections of a peer that took nothing. */
  readonly drop: (peer: string, error: unknown) => void
}

/** How a message is sent. */
export interface SendOptions {
  readonly signal: AbortSignal
  readonly onMoved: () => void
}

interface PeerState {
  readonly wants: Map<string, Want>
  workers: number
}

interface Answer {
  readonly blocks: { cid: CID; bytes: Uint8Array }[]
  readonly presences: { cid: CID; has: boolean }[]
}

/**
 * Answers the wants of peers, in the order in which they came and no faster than they are taken. However many peers there
 * are and however much they want, only so many answers are in memory; who takes nothing is dropped (promise I8, faults C21).
 */
export class WantServer {
  readonly #parts: WantServerParts
  readonly #slots: FairSlots
  readonly #peers = new Map<string, PeerState>()
  readonly #stop = new AbortController()

  /** @param stalled see {@link STALLED} */
  constructor(parts: WantServerParts, stalled = STALLED) {
    this.#parts = parts
    const [slots, perHost] = [AT_ONCE, AT_ONCE_PER_HOST]
    // Those who wait are as many as there are peers, whose number is bounded elsewhere.
    this.#slots = new FairSlots({ slots, perHost, waiting: Infinity, stalled })
  }

  /** Takes note of what a peer wants. */
  receive(asker: Asker, wants: readonly Want[], isFull: boolean): void {
    const state: PeerState = this.#peers.get(asker.peer) ?? { wants: new Map(), workers: 0 }
    this.#peers.set(asker.peer, state)
    if (isFull) state.wants.clear()
    for (const want of wants) {
      const key = keyOf(want.cid)
      if (want.isCancelled) state.wants.delete(key)
      else if (state.wants.get(key)?.kind === 'block') continue // whether it is here is part of that
      else if (state.wants.size < MAX_WANTS || state.wants.has(key)) state.wants.set(key, want)
    }
    for (let n = state.workers; n < Math.min(AT_ONCE_PER_PEER, state.wants.size); n++)
      void this.#work(asker, state)
  }

  /** A peer has gone. */
  forget(peer: string): void {
    this.#peers.get(peer)?.wants.clear()
    this.#peers.delete(peer)
  }

  stop(): void {
    this.#stop.abort(new Error('the node stops'))
    this.#peers.clear()
  }

  async #work(asker: Asker, state: PeerState): Promise<void> {
    const { peer } = asker
    state.workers++
    try {
      while (state.wants.size > 0) await this.#answer(asker, state.wants)
    } catch (error) {
      // Our own disk, or a peer that does not take what it asked for: either way its wants are over.
      this.forget(peer)
      if (!this.#stop.signal.aborted) this.#parts.drop(peer, error)
    } finally {
      state.workers--
    }
  }

  async #answer(asker: Asker, wants: Map<string, Want>): Promise<void> {
    const stalled = new AbortController()
    let isSent = false
    // That our own disk is slow is not the peer's fault.
    const onStalled = (): void => {
      if (isSent) stalled.abort(takesNothing())
    }
    const hold = await this.#slots.take(asker, { signal: this.#stop.signal, onStalled })
    try {
      const { blocks, presences } = await this.#collect(wants)
      if (blocks.length + presences.length === 0) return
      hold.moved()
      isSent = true
      const options = { signal: stalled.signal, onMoved: () => hold.moved() }
      await this.#parts.send(asker.peer, encodeAnswer(blocks, presences), options)
    } finally {
      hold.release()
    }
  }

  /** Takes as many wants as go into one answer. */
  async #collect(wants: Map<string, Want>): Promise<Answer> {
    const answer: Answer = { blocks: [], presences: [] }
    let bytes = 0
    for (const [key, want] of wants) {
      if (bytes >= ANSWER_BYTES || answer.presences.length >= ANSWER_PRESENCES) break
      wants.delete(key)
      const { cid, kind, wantsNo } = want
      const block = kind === 'block' ? await this.#parts.blocks.read(cid) : undefined
      if (block !== undefined) {
        answer.blocks.push({ cid, bytes: block })
        bytes += block.length
      } else {
        const has = kind === 'presence' && (await this.#parts.blocks.has(cid))
        if (has || wantsNo) answer.presences.push({ cid, has })
      }
    }
    return answer
  }
}

function takesNothing(): DOMException {
  return new DOMException('others wait, and it takes nothing of its answer', 'TimeoutError')
}
