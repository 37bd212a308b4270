import { Slots } from '../slots.ts'
import { Allowance } from './allowance.ts'

/** What peers may use up of us (faults C21, C22). */
export interface ServerLimits {
  /** Streams of one peer, and of all. */
  readonly streamsPerPeer: number
  readonly streams: number
  /** Blocks in memory for one peer, and for all. */
  readonly blocksPerPeer: number
  readonly blocks: number
  /** Hashes that one peer may ask about, in a second and at once. */
  readonly lookups: number
  readonly lookupsAtOnce: number
  /** Bytes a second for one peer; `null` means as fast as it goes. */
  readonly peerRate: number | null
  /** A stream without a question for so long is closed, in ms. */
  readonly idle: number
  /** A block may take this long, in ms, and a millisecond more for each `slowest` bytes of it. */
  readonly patience: number
  readonly slowest: number
}

export const SERVER_LIMITS: ServerLimits = {
  streamsPerPeer: 4,
  streams: 512,
  blocksPerPeer: 3,
  blocks: 64,
  lookups: 4_000,
  lookupsAtOnce: 8_192,
  peerRate: null,
  idle: 120_000,
  patience: 15_000,
  slowest: 16,
}

/** A rate is kept over this time, in ms: less would make pauses of single pieces. */
const RATE_BURST = 250

/** What one peer has in use. */
export interface PeerUse {
  streams: number
  readonly blocks: Slots
  readonly lookups: Allowance
  readonly rate: Allowance | undefined
}

/** What all peers have in use. A peer is forgotten a while after its last stream. */
export class ServerUse {
  readonly limits: ServerLimits
  readonly blocks: Slots
  /** Bytes of blocks that went out. */
  sent = 0
  readonly #peers = new Map<string, PeerUse>()
  #streams = 0

  constructor(limits: ServerLimits) {
    this.limits = limits
    this.blocks = new Slots(limits.blocks, limits.streams * 2)
  }

  /** Counts a new stream of a peer in; `undefined` when there may be no more. */
  enter(peer: string): PeerUse | undefined {
    const use = this.#peers.get(peer) ?? this.#newUse()
    if (use.streams >= this.limits.streamsPerPeer || this.#streams >= this.limits.streams)
      return undefined
    use.streams++
    this.#streams++
    this.#peers.set(peer, use)
    return use
  }

  leave(): void {
    this.#streams--
  }

  /** The peer has no connection any more: what it used up is forgotten. Not before, or it would only have to reopen. */
  forget(peer: string): void {
    this.#peers.delete(peer)
  }

  #newUse(): PeerUse {
    const { limits } = this
    const { peerRate: rate } = limits
    return {
      streams: 0,
      blocks: new Slots(limits.blocksPerPeer, limits.streamsPerPeer * 2),
      lookups: new Allowance(limits.lookups, limits.lookupsAtOnce),
      rate: rate === null ? undefined : new Allowance(rate, (rate * RATE_BURST) / 1000),
    }
  }
}
