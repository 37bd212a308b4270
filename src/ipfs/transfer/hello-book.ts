import { sample } from '../sample.ts'

/** How long a greeting counts, in ms: who fetches says it again before. */
const MEMORY = 10 * 60_000
/** Roots that are remembered, of all peers and of one. */
const MAX_ROOTS = 256
const MAX_ROOTS_PER_PEER = 8
/** Peers of one root that are remembered. */
const MAX_PEERS_PER_ROOT = 64

/** Who said that it holds or fetches a root. Bounded; what is oldest goes first. */
export class HelloBook {
  /** By root, then by peer: when it was said. Both in the order of saying. */
  readonly #roots = new Map<string, Map<string, number>>()
  readonly #now: () => number
  readonly #onNew: (root: string, peer: string) => void

  /** @param onNew told when a peer greets for a root that it had not greeted for */
  constructor(onNew: (root: string, peer: string) => void, now: () => number = Date.now) {
    this.#onNew = onNew
    this.#now = now
  }

  /** A peer says that it holds or fetches this root. */
  say(root: string, peer: string): void {
    const peers = this.#roots.get(root) ?? new Map<string, number>()
    const isNew = !peers.delete(peer)
    if (isNew) this.#forgetOldestOf(peer)
    peers.set(peer, this.#now())
    trim(peers, MAX_PEERS_PER_ROOT)
    this.#roots.delete(root)
    this.#roots.set(root, peers)
    trim(this.#roots, MAX_ROOTS)
    if (isNew) this.#onNew(root, peer)
  }

  /** Some of those who said it lately, by chance, without the one who asks. */
  some(root: string, count: number, except: string): string[] {
    const since = this.#now() - MEMORY
    const peers = [...(this.#roots.get(root) ?? [])].filter(
      ([peer, at]) => peer !== except && at > since,
    )
    return sample(
      peers.map(([peer]) => peer),
      count,
    )
  }

  /** The peer is gone. */
  forget(peer: string): void {
    for (const [root, peers] of this.#roots)
      if (peers.delete(peer) && peers.size === 0) this.#roots.delete(root)
  }

  #forgetOldestOf(peer: string): void {
    const its = [...this.#roots].filter(([, peers]) => peers.has(peer))
    if (its.length < MAX_ROOTS_PER_PEER) return
    its[0]?.[1].delete(peer)
  }
}

function trim(map: Map<string, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return
    map.delete(key)
  }
}
