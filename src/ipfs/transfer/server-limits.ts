import { FairSlots } from '../fair-slots.ts'
import { Slots } from '../slots.ts'
import { Allowance } from './allowance.ts'
import { PIECE_BYTES } from './frame-stream.ts'
import type { Asker } from '../fair-slots.ts'

/** What peers may use up of us (faults C21, C22). */
export interface ServerLimits {
  /** Streams of one peer, of one host's peers, and of all. */
  readonly streamsPerPeer: number
  readonly streamsPerHost: number
  readonly streams: number
  /** Blocks in memory for one peer, for one host's peers, and for all. */
  readonly blocksPerPeer: number
  readonly blocksPerHost: number
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
  /** Who takes nothing of a block for so long, in ms, is dropped when others wait for theirs. */
  readonly stalled: number
}

export const SERVER_LIMITS: ServerLimits = {
  streamsPerPeer: 4,
  streamsPerHost: 256,
  streams: 512,
  blocksPerPeer: 3,
  blocksPerHost: 32,
  blocks: 64,
  lookups: 4_000,
  lookupsAtOnce: 8_192,
  peerRate: null,
  idle: 120_000,
  patience: 15_000,
  slowest: 16,
  stalled: 6_000,
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
  readonly blocks: FairSlots
  /** Bytes of blocks that went out. */
  sent = 0
  readonly #peers = new Map<string, PeerUse>()
  /** Streams by host. */
  readonly #hosts = new Map<string, number>()
  #streams = 0

  constructor(limits: ServerLimits) {
    this.limits = limits
    this.blocks = new FairSlots({
      slots: limits.blocks,
      perHost: limits.blocksPerHost,
      waiting: limits.streams * 2,
      // What our own limit holds back is not the peer's fault.
      stalled: Math.max(limits.stalled, (2000 * PIECE_BYTES) / (limits.peerRate ?? Infinity)),
    })
  }

  /** Counts a new stream of a peer in; `undefined` when there may be no more. */
  enter({ peer, host }: Asker): PeerUse | undefined {
    const { streams, streamsPerHost, streamsPerPeer } = this.limits
    const use = this.#peers.get(peer) ?? this.#newUse()
    const ofHost = this.#hosts.get(host) ?? 0
    if (use.streams >= streamsPerPeer || ofHost >= streamsPerHost || this.#streams >= streams)
      return undefined
    use.streams++
    this.#streams++
    this.#hosts.set(host, ofHost + 1)
    this.#peers.set(peer, use)
    return use
  }

  /** A stream of a peer has ended. */
  leave({ host }: Asker, use: PeerUse): void {
    use.streams--
    this.#streams--
    const left = (this.#hosts.get(host) ?? 0) - 1
    if (left > 0) this.#hosts.set(host, left)
    else this.#hosts.delete(host)
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
