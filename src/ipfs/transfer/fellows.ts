import { keyOfHash } from '../block-kinds.ts'
import { peerName } from './peer-name.ts'
import type { NamedPeer } from './peer-list.ts'
import type { Peers } from './peers.ts'

/** Fellows of one root that we deal with. */
const MAX_FELLOWS = 8
/** Roots that we fetch under. */
const MAX_ROOTS = 16
/** Peers that are called at once, because they were named. */
const MAX_DIALS = 4
/** A peer that was called is not called again for so long, in ms. */
const DIAL_AGAIN = 60_000
/** Greetings count for ten minutes at the other side; they are said again before. */
const GREET_AGAIN = 5 * 60_000
/** Calls and greetings that are remembered. */
const MAX_MEMORY = 1024

/** Connects to a peer by addresses with `/p2p/…`; false when it could not, or an error. */
type Dial = (addresses: readonly string[], options: { signal: AbortSignal }) => Promise<boolean>

export interface FellowsParts {
  readonly peers: Peers
  readonly dial: Dial
  /** There is a new fellow that can be asked. */
  readonly onFellow: (root: string, peer: string) => void
}

/** Other peers that hold or fetch what we fetch, by root: those that greeted us, and those that others named. */
export class Fellows {
  readonly #parts: FellowsParts
  /** By the roots that we fetch under, the latest last. */
  readonly #roots = new Map<string, { hash: Uint8Array; fellows: Set<string> }>()
  readonly #greeted = new Map<string, number>()
  readonly #dialled = new Map<string, number>()
  readonly #stop = new AbortController()
  #dials = 0

  constructor(parts: FellowsParts) {
    this.#parts = parts
  }

  /** We fetch under this root, and these peers are asked: they are told, and name others. */
  join(hash: Uint8Array, asked: readonly string[]): void {
    const key = keyOfHash(hash)
    const known = this.#roots.get(key) ?? { hash, fellows: new Set<string>() }
    this.#roots.delete(key)
    this.#roots.set(key, known)
    trim(this.#roots, MAX_ROOTS)
    for (const peer of asked)
      if (this.#parts.peers.isSpeaker(peer)) void this.#greet(key, hash, peer)
  }

  /** Fellows under this root that can be asked. */
  of(key: string): string[] {
    const { peers } = this.#parts
    return [...(this.#roots.get(key)?.fellows ?? [])].filter((peer) => peers.canBeAsked(peer))
  }

  /** A peer greeted us. */
  onHello(hash: Uint8Array, peer: string): void {
    this.#add(keyOfHash(hash), peer)
  }

  /** A peer named others. Addresses out of our scope are passed over by who dials. */
  onNamed(hash: Uint8Array, named: readonly NamedPeer[]): void {
    const key = keyOfHash(hash)
    for (const peer of named) void this.#meet(key, peer)
  }

  /** A peer that speaks our protocol has come, or a peer is gone. */
  onChange(peer: string): void {
    for (const key of this.#greeted.keys()) if (key.startsWith(peer)) this.#greeted.delete(key)
    for (const [key, { fellows }] of this.#roots) if (fellows.has(peer)) this.#welcome(key, peer)
  }

  stop(): void {
    this.#stop.abort(new Error('the node stops'))
  }

  /** Never rejects: a peer that cannot be called is no fellow, and that is all. */
  async #meet(key: string, { id, addresses }: NamedPeer): Promise<void> {
    const peer = peerName(id, addresses)
    if (peer === undefined) return
    if (this.#parts.peers.isConnected(peer.id)) return this.#add(key, peer.id)
    if (this.of(key).length >= MAX_FELLOWS || this.#dials >= MAX_DIALS) return
    const before = this.#dialled.get(peer.id)
    if (before !== undefined && performance.now() - before < DIAL_AGAIN) return
    remember(this.#dialled, peer.id)
    this.#dials++
    try {
      if (await this.#parts.dial(peer.addresses, { signal: this.#stop.signal }))
        this.#add(key, peer.id)
    } catch {
      // Whatever was wrong with its addresses: others named it, and it is not called again for a while.
    } finally {
      this.#dials--
    }
  }

  #add(key: string, peer: string): void {
    const fellows = this.#roots.get(key)?.fellows
    if (fellows === undefined || fellows.has(peer)) return
    for (const old of fellows) if (!this.#parts.peers.isConnected(old)) fellows.delete(old)
    if (fellows.size >= MAX_FELLOWS) return
    fellows.add(peer)
    this.#welcome(key, peer)
  }

  /** As soon as it is known that a fellow speaks our protocol it is greeted. */
  #welcome(key: string, peer: string): void {
    const root = this.#roots.get(key)
    if (root === undefined || !this.#parts.peers.isSpeaker(peer)) return
    void this.#greet(key, root.hash, peer)
    this.#parts.onFellow(key, peer)
  }

  /** Never rejects: a peer that cannot be told does not know of us, and that is all. */
  async #greet(key: string, hash: Uint8Array, peer: string): Promise<void> {
    const id = `${peer} ${key}`
    const before = this.#greeted.get(id)
    if (before !== undefined && performance.now() - before < GREET_AGAIN) return
    remember(this.#greeted, id)
    try {
      const link = await this.#parts.peers.link(peer, 'talk')
      link.greet(hash)
    } catch {
      this.#greeted.delete(id)
    }
  }
}

function remember(map: Map<string, number>, key: string): void {
  map.delete(key)
  map.set(key, performance.now())
  trim(map, MAX_MEMORY)
}

function trim(map: Map<string, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return
    map.delete(key)
  }
}
