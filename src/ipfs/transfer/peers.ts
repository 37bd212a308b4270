import { isNamed } from '../errors.ts'
import { sample } from '../sample.ts'
import { Link } from './link.ts'
import { PROTOCOL } from './protocol.ts'
import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import type { Fault, LinkTimes } from './link.ts'
import type { NamedPeer } from './peer-list.ts'

/** How long opening a stream may take, in ms. */
const OPEN_TIMEOUT = 10_000
/** How long a peer is left alone that was too slow, that lied, or that could not be asked, in ms. */
const SHUNNED = { slow: 30_000, late: 30_000, lie: 10 * 60_000, none: 500 } as const
/** Who keeps readers waiting again and again is left alone twice as long each time, up to this. */
const LONGEST_SHUNNED = 10 * 60_000
/** Peers that are remembered as left alone. */
const MAX_SHUNNED = 1024

/** What of libp2p is needed to speak to peers. */
export type PeerNetwork = Pick<
  Libp2p,
  | 'getConnections'
  | 'getPeers'
  | 'register'
  | 'unregister'
  | 'addEventListener'
  | 'removeEventListener'
>

export interface PeersOptions {
  /** A peer names others for a root. */
  readonly onNamed: (root: Uint8Array, peers: readonly NamedPeer[]) => void
  /** Blocks have come to a peer. */
  readonly onNews: (peer: string, hashes: readonly Uint8Array[]) => void
  /** A peer that speaks our protocol is connected, or is gone. */
  readonly onChange: (peer: string) => void
  readonly times?: Partial<LinkTimes> | undefined
}

/**
 * Leaves have a stream of their own: answers come in the order of the questions, and neither a question nor a node of the
 * tree, of which a reader needs one after the other before its first leaf, may wait for eight leaves each time.
 */
type Purpose = 'leaves' | 'nodes' | 'talk'

/** Connected peers as far as blocks can be had from them, and the links to them, opened when they are needed. */
export class Peers {
  readonly #network: PeerNetwork
  readonly #options: PeersOptions
  readonly #connected = new Set<string>()
  /** Those that said that they speak it. */
  readonly #speakers = new Set<string>()
  /** Those that do not, until they come again. */
  readonly #mute = new Set<string>()
  /** Until when, and how often they were late. */
  readonly #shunned = new Map<string, { until: number; late: number }>()
  readonly #links = new Map<string, Promise<Link>>()
  readonly #open = new Map<string, Link>()
  /** Blocks that each is asked for now. */
  readonly #busy = new Map<string, number>()
  readonly #stop = new AbortController()
  #registration: string | undefined
  readonly #onConnect = ({ detail }: CustomEvent<PeerId>): void => {
    this.#connected.add(detail.toString())
  }
  readonly #onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    const peer = detail.toString()
    for (const set of [this.#connected, this.#speakers, this.#mute]) set.delete(peer)
    this.#options.onChange(peer)
  }

  constructor(network: PeerNetwork, options: PeersOptions) {
    this.#network = network
    this.#options = options
  }

  async start(): Promise<void> {
    this.#network.addEventListener('peer:connect', this.#onConnect)
    this.#network.addEventListener('peer:disconnect', this.#onDisconnect)
    for (const peer of this.#network.getPeers()) this.#connected.add(peer.toString())
    this.#registration = await this.#network.register(PROTOCOL, {
      notifyOnLimitedConnection: true,
      onConnect: (peer) => {
        this.#speakers.add(peer.toString())
        this.#mute.delete(peer.toString())
        this.#options.onChange(peer.toString())
      },
      onDisconnect: (peer) => void this.#speakers.delete(peer.toString()),
    })
  }

  stop(): void {
    this.#stop.abort(new Error('the node stops'))
    this.#network.removeEventListener('peer:connect', this.#onConnect)
    this.#network.removeEventListener('peer:disconnect', this.#onDisconnect)
    if (this.#registration !== undefined) this.#network.unregister(this.#registration)
    for (const link of this.#open.values()) link.close()
  }

  /** Whether a peer may be asked for blocks now. */
  canBeAsked(peer: string): boolean {
    if (!this.#connected.has(peer) || this.#mute.has(peer)) return false
    return (this.#shunned.get(peer)?.until ?? 0) <= performance.now()
  }

  /** Connected peers that are known to speak our protocol, and may be asked. */
  speakers(): string[] {
    return [...this.#speakers].filter((peer) => this.canBeAsked(peer))
  }

  isConnected(peer: string): boolean {
    return this.#connected.has(peer)
  }

  /** Whether a peer is known to speak our protocol, and may be asked. */
  isSpeaker(peer: string): boolean {
    return this.#speakers.has(peer) && this.canBeAsked(peer)
  }

  /** Counts a block that this peer is asked for, until the function it returns is called. */
  use(peer: string): () => void {
    this.#busy.set(peer, this.#load(peer) + 1)
    return () => {
      const left = this.#load(peer) - 1
      if (left > 0) this.#busy.set(peer, left)
      else this.#busy.delete(peer)
    }
  }

  /** Those that may be asked, the least busy first, and those that are equally busy by chance. */
  byLoad(peers: readonly string[]): string[] {
    const may = peers.filter((peer) => this.canBeAsked(peer))
    return sample(may, may.length).toSorted((a, b) => this.#load(a) - this.#load(b))
  }

  /**
   * The link to a peer.
   *
   * @throws when there is none: it is not connected, or does not speak our protocol
   */
  async link(peer: string, purpose: Purpose): Promise<Link> {
    const key = keyOf(peer, purpose)
    const known = this.#links.get(key)
    if (known !== undefined) return known
    const opening = this.#openLink(peer, key)
    this.#links.set(key, opening)
    try {
      return await opening
    } catch (error) {
      if (this.#links.get(key) === opening) this.#links.delete(key)
      if (isNamed(error, 'UnsupportedProtocolError')) this.#mute.add(peer)
      else this.#shun(peer, 'none')
      throw error
    }
  }

  /** A reader waited so long, in ms, for a leaf that this peer has: one that gave no leaf at all meanwhile is left alone. */
  keptWaiting(peer: string, milliseconds: number): void {
    this.#open.get(keyOf(peer, 'leaves'))?.endIfStalled(milliseconds)
  }

  #load(peer: string): number {
    return this.#busy.get(peer) ?? 0
  }

  async #openLink(peer: string, key: string): Promise<Link> {
    const connection = this.#connection(peer)
    if (connection === undefined) throw new Error(`${peer} is not connected`)
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(OPEN_TIMEOUT)])
    const stream = await connection.newStream(PROTOCOL, { signal, runOnLimitedConnection: true })
    const link = new Link(stream, {
      times: this.#options.times,
      onPeers: (root, peers) => this.#options.onNamed(root, peers),
      onNews: (hashes) => this.#options.onNews(peer, hashes),
      onEnd: (fault) => {
        this.#links.delete(key)
        if (this.#open.get(key) === link) this.#open.delete(key)
        if (fault !== 'none') this.#shun(peer, fault)
      },
    })
    this.#open.set(key, link)
    return link
  }

  /** A direct connection rather than one by way of a relay. */
  #connection(peer: string): Connection | undefined {
    const open = this.#network
      .getConnections()
      .filter(({ remotePeer, status }) => status === 'open' && remotePeer.toString() === peer)
    return open.find(({ limits }) => limits === undefined) ?? open[0]
  }

  #shun(peer: string, fault: Fault): void {
    const before = this.#shunned.get(peer)?.late ?? 0
    const late = before + (fault === 'late' ? 1 : 0)
    const times = fault === 'late' ? 2 ** before : 1
    const until = performance.now() + Math.min(SHUNNED[fault] * times, LONGEST_SHUNNED)
    this.#shunned.delete(peer)
    this.#shunned.set(peer, { until, late })
    for (const oldest of this.#shunned.keys()) {
      if (this.#shunned.size <= MAX_SHUNNED) return
      this.#shunned.delete(oldest)
    }
  }
}

function keyOf(peer: string, purpose: Purpose): string {
  return `${purpose} ${peer}`
}
