import { SimDht } from './dht.ts'
import type { SeededRandom } from '../../faults/random.ts'
import type { SimTime } from './time.ts'

/** One node's end of the network. */
export interface Station {
  readonly id: string
  /** A connection was made. */
  connected(peer: string): void
  disconnected(peer: string): void
}

/** What lies between the nodes: links that can be cut, delays, and now and then a storm. */
export class Ether<N extends Station> {
  readonly dht: SimDht
  readonly #time: SimTime
  readonly #random: SeededRandom
  readonly #up = new Map<string, N>()
  readonly #links = new Set<string>()
  /** Messages are lost, doubled and late. */
  isStormy = false

  constructor(time: SimTime, random: SeededRandom) {
    this.#time = time
    this.#random = random
    this.dht = new SimDht(time, random)
  }

  peersOf(node: N): string[] {
    if (this.#up.get(node.id) !== node) return []
    return [...this.#up.keys()].filter((id) => id !== node.id && this.#links.has(key(node.id, id)))
  }

  join(node: N): void {
    this.#up.set(node.id, node)
    for (const peer of this.peersOf(node)) this.#meet(node.id, peer)
  }

  leave(node: N): void {
    const peers = this.peersOf(node)
    if (this.#up.get(node.id) === node) this.#up.delete(node.id)
    for (const peer of peers) this.#up.get(peer)?.disconnected(node.id)
  }

  link(a: string, b: string): void {
    if (a === b || this.#links.has(key(a, b))) return
    this.#links.add(key(a, b))
    this.#meet(a, b)
  }

  cut(a: string, b: string): void {
    if (!this.#links.delete(key(a, b))) return
    this.#up.get(a)?.disconnected(b)
    this.#up.get(b)?.disconnected(a)
  }

  /** Brings a message to a peer, perhaps. False when there is no connection, which is the only thing that is told. */
  send(from: N, to: string, deliver: (to: N) => void): boolean {
    if (!this.peersOf(from).includes(to)) return false
    if (this.isStormy && this.#random.next() < 0.3) return true
    this.#deliver(from, to, deliver)
    if (this.isStormy && this.#random.next() < 0.2) this.#deliver(from, to, deliver)
    return true
  }

  /** Over a connection that lasts, nothing is lost. */
  sendSurely(from: N, to: string, deliver: (to: N) => void): void {
    if (this.peersOf(from).includes(to)) this.#deliver(from, to, deliver)
  }

  #deliver(from: N, to: string, deliver: (to: N) => void): void {
    const target = this.#up.get(to)
    const isLate = this.isStormy && this.#random.next() < 0.2
    const delay = isLate ? this.#random.between(1_000, 20_000) : this.#random.between(1, 80)
    this.#time.after(delay, () => {
      const isThere = target !== undefined && this.#up.get(to) === target
      if (isThere && this.peersOf(from).includes(to)) deliver(target)
    })
  }

  #meet(a: string, b: string): void {
    const [one, other] = [this.#up.get(a), this.#up.get(b)]
    if (one === undefined || other === undefined) return
    for (const [node, peer] of [
      [one, other],
      [other, one],
    ] as const) {
      this.#time.after(this.#random.between(1, 200), () => {
        if (this.peersOf(node).includes(peer.id)) node.connected(peer.id)
      })
    }
  }
}

function key(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`
}
