import { isBlock, keyOf } from './block-kinds.ts'
import { sample } from './sample.ts'
import { Slots } from './slots.ts'
import type { Answer, BlockExchange } from './bitswap/exchange.ts'
import type { PeerId } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'

/** Blocks on their way from one peer: more only make each of them later, and on a slow line too late (facts S8). */
const BLOCKS_PER_PEER = 8
/**
 * Blocks on their way from all peers together; bitswap's own cost per message grows with their number (facts §6). A peer's
 * turn comes first: one that is silent holds its own eight, and not what the others need.
 */
const MAX_WANTS = 64
/** Calls that may wait for a free want, at one peer or at all of them. */
const MAX_WAITING = 4096
/** Peers that are asked whether they have a block, of those that nobody named. */
const ASKED_PEERS = 16
/** Peers that are remembered because they delivered. */
const REMEMBERED_GIVERS = 8
/** How long a peer may think about whether it has a block. Milliseconds. */
const PRESENCE_IDLE = 3_000

/** What we know of a peer while we wait for it. */
interface PeerState {
  readonly slots: Slots
  /** Questions open, by block key: two who do not know of each other may ask a peer for one block. */
  readonly open: Map<string, Set<(answer: Answer) => void>>
  /** When it last said anything, on the monotonic clock. */
  heard: number
  /** Questions under way; the state is dropped with the last. */
  users: number
}

/**
 * One round of asking the connected peers for a block.
 *
 * Who delivered a block is likely to have the next one: it is asked for that at once, and before peers who are only
 * said to have it. Otherwise each block of a mirror that has not moved since our start would cost a round of "who has
 * it?", and a provider that hangs would hold up each block anew.
 */
export class PeerAsker {
  readonly #exchange: BlockExchange
  readonly #idle: number
  readonly #states = new Map<string, PeerState>()
  readonly #wants = new Slots(MAX_WANTS, MAX_WAITING)
  /** Peers that delivered what they were asked for, the latest first. */
  #givers: readonly string[] = []

  /** @param idle silence of a peer, in milliseconds, after which its block is not waited for any longer */
  constructor(exchange: BlockExchange, idle: number) {
    this.#exchange = exchange
    this.#idle = idle
    exchange.onAnswer((answer) => {
      const state = this.#states.get(answer.peer.toString())
      const answered = state?.open.get(keyOf(answer.cid))
      // Who sends something else than was asked for is as good as silent.
      if (state === undefined || answered === undefined) return false
      state.heard = performance.now()
      for (const tell of answered) tell(answer)
      return true
    })
  }

  /**
   * Asks for a block: first those of `providers` who are connected and the one who delivered last, one after the
   * other, then some of the others, whoever first says that it has it. `undefined` when none of them delivered it.
   */
  async askAll(
    cid: CID,
    providers: readonly string[],
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const peers = new Map(this.#exchange.peers().map((peer) => [peer.toString(), peer]))
    for (const id of this.#likely(providers, peers)) {
      const peer = peers.get(id)
      if (peer === undefined) continue
      peers.delete(id)
      const block = await this.#askBlock(cid, peer, signal)
      if (block !== undefined) return block
    }
    return this.#askWhoHas(cid, sample([...peers.values()], ASKED_PEERS), signal)
  }

  /** Whom to ask first: of the providers those who delivered before others, then the latest of all who delivered. */
  #likely(providers: readonly string[], peers: ReadonlyMap<string, PeerId>): Set<string> {
    const latest = this.#givers.find((id) => peers.has(id))
    const proven = this.#givers.filter((id) => providers.includes(id))
    return new Set([...proven, ...providers, ...(latest === undefined ? [] : [latest])])
  }

  async #askWhoHas(
    cid: CID,
    peers: readonly PeerId[],
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const done = new AbortController()
    const either = AbortSignal.any([signal, done.signal])
    try {
      for await (const answer of asSettled(
        peers.map((peer) => this.#ask('presence', cid, peer, either)),
      )) {
        if (answer?.has !== true) continue
        const block = verified(cid, answer) ?? (await this.#askBlock(cid, answer.peer, signal))
        if (block !== undefined) return block
      }
      return undefined
    } finally {
      done.abort(new Error('another peer answered'))
    }
  }

  async #askBlock(cid: CID, peer: PeerId, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const answer = await this.#ask('block', cid, peer, signal)
    const block = answer === undefined ? undefined : verified(cid, answer)
    const id = peer.toString()
    const others = this.#givers.filter((giver) => giver !== id)
    if (block !== undefined) this.#givers = [id, ...others].slice(0, REMEMBERED_GIVERS)
    // An honest "no" is forgiven; silence and lies are not.
    else if (answer?.has !== false) this.#givers = others
    return block
  }

  async #ask(
    kind: 'block' | 'presence',
    cid: CID,
    peer: PeerId,
    signal: AbortSignal,
  ): Promise<Answer | undefined> {
    const id = peer.toString()
    const state = this.#states.get(id) ?? newState()
    this.#states.set(id, state)
    state.users++
    try {
      if (kind === 'presence') return await this.#question(kind, cid, peer, state, signal)
      const leavePeer = await state.slots.take(signal)
      try {
        const leave = await this.#wants.take(signal)
        try {
          return await this.#question(kind, cid, peer, state, signal)
        } finally {
          leave()
        }
      } finally {
        leavePeer()
      }
    } finally {
      if (--state.users === 0) this.#states.delete(id)
    }
  }

  /** One question to one peer. `undefined` when it could not be sent, or the peer fell silent. */
  async #question(
    kind: 'block' | 'presence',
    cid: CID,
    peer: PeerId,
    state: PeerState,
    signal: AbortSignal,
  ): Promise<Answer | undefined> {
    const key = keyOf(cid)
    const { promise, resolve, reject } = Promise.withResolvers<Answer | undefined>()
    const settled = new AbortController()
    const onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    const timer = whenSilent(state, kind === 'block' ? this.#idle : PRESENCE_IDLE, () =>
      resolve(undefined),
    )
    const onAnswer = (answer: Answer): void => {
      // "I have it" is no answer to "give it to me".
      if (kind === 'presence' || !answer.has || answer.block !== undefined) resolve(answer)
    }
    const open = state.open.get(key) ?? new Set()
    state.open.set(key, open.add(onAnswer))
    this.#exchange.ask(kind, cid, peer, settled.signal).catch(() => resolve(undefined)) // this peer cannot be asked
    try {
      signal.throwIfAborted()
      return await promise
    } finally {
      timer.stop()
      signal.removeEventListener('abort', onAbort)
      if (open.delete(onAnswer) && open.size === 0) state.open.delete(key)
      settled.abort(new Error('the answer is not awaited any longer'))
    }
  }
}

function newState(): PeerState {
  return { slots: new Slots(BLOCKS_PER_PEER, MAX_WAITING), open: new Map(), heard: 0, users: 0 }
}

function verified(cid: CID, answer: Answer): Uint8Array | undefined {
  return answer.block !== undefined && isBlock(cid, answer.block) ? answer.block : undefined
}

/**
 * Calls back once a peer has said nothing at all for that long. Blocks come one after the other: on a slow line the
 * last of eight may take a minute, while the peer is busy with the first seven.
 */
function whenSilent(state: PeerState, idle: number, call: () => void): { stop(): void } {
  const asked = performance.now()
  let timer: NodeJS.Timeout
  const check = () => {
    const left = Math.max(asked, state.heard) + idle - performance.now()
    if (left <= 0) call()
    else timer = setTimeout(check, left)
  }
  timer = setTimeout(check, idle)
  return { stop: () => clearTimeout(timer) }
}

/** Results in the order in which they come. */
async function* asSettled<T>(promises: ReadonlyArray<Promise<T>>): AsyncGenerator<T> {
  const open = new Map(promises.map((promise, i) => [i, promise.then((value) => ({ i, value }))]))
  // While the caller looks at one result nobody waits for the others, and they may fail then.
  for (const result of open.values()) result.catch(() => undefined)
  while (open.size > 0) {
    const { i, value } = await Promise.race(open.values())
    open.delete(i)
    yield value
  }
}
