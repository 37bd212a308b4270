import type { RecordNetwork, TopicListener } from '../../../src/naming/ports.ts'
import type { SeededRandom } from '../../faults/random.ts'
import type { Ether, Station } from './ether.ts'

type Lookup = (key: Uint8Array) => Promise<Uint8Array | undefined>

/** Message ids that one node remembers. */
const MAX_SEEN = 2_000

/** One life's end of the network: pubsub that is flooded, lookups, and the DHT. */
export class SimNetwork implements RecordNetwork, Station {
  readonly id: string
  readonly hasDht: boolean
  readonly #ether: Ether<SimNetwork>
  readonly #random: SeededRandom
  readonly #listeners = new Map<string, Set<TopicListener>>()
  /** Who is known to listen, by topic: others hear of a subscription later than it is made. */
  readonly #known = new Map<string, Set<string>>()
  readonly #greeters = new Set<(peer: string) => void>()
  readonly #seen = new Set<string>()
  #lookup: Lookup | undefined
  #messages = 0
  /** How often somebody was asked from here. */
  lookups = 0

  constructor(id: string, ether: Ether<SimNetwork>, random: SeededRandom, hasDht: boolean) {
    this.id = id
    this.#ether = ether
    this.#random = random
    this.hasDht = hasDht
  }

  peers(): string[] {
    return this.#ether.peersOf(this)
  }

  subscribers(topic: string): string[] {
    return this.peers().filter((peer) => this.#known.get(topic)?.has(peer) === true)
  }

  onPeer(listener: (peer: string) => void): () => void {
    this.#greeters.add(listener)
    return () => this.#greeters.delete(listener)
  }

  publish(topic: string, data: Uint8Array): Promise<number> {
    const id = `${this.id}/${this.#random.between(0, 2 ** 31)}/${this.#messages++}`
    this.#seen.add(id)
    return Promise.resolve(this.#flood(topic, data, id))
  }

  subscribe(topic: string, listener: TopicListener): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, listeners.add(listener))
    for (const peer of this.peers()) this.#tellSubscription(peer, topic)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#listeners.delete(topic)
    }
  }

  serve(_prefix: string, lookup: Lookup): () => void {
    this.#lookup = lookup
    return () => {
      this.#lookup = undefined
    }
  }

  lookup(peer: string, key: Uint8Array): Promise<Uint8Array | undefined> {
    this.lookups++
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | undefined>()
    const asked = this.#ether.send(this, peer, (other) => {
      void other.answer(key).then((bytes) => this.#ether.send(other, this.id, () => resolve(bytes)))
    })
    if (!asked) reject(new Error('not connected'))
    return promise
  }

  dhtPut(_key: Uint8Array, record: Uint8Array, signal: AbortSignal): Promise<void> {
    return this.#ether.dht.put(record, signal)
  }

  dhtGet(_key: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#ether.dht.get(signal)
  }

  /** A connection was made. */
  connected(peer: string): void {
    for (const greet of this.#greeters) greet(peer)
    for (const topic of this.#listeners.keys()) this.#tellSubscription(peer, topic)
  }

  disconnected(peer: string): void {
    for (const known of this.#known.values()) known.delete(peer)
  }

  answer(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#lookup?.(key) ?? Promise.resolve(undefined)
  }

  async hear(topic: string, data: Uint8Array, id: string, from: string): Promise<void> {
    if (this.#seen.has(id)) return
    if (this.#seen.size > MAX_SEEN) this.#seen.clear()
    this.#seen.add(id)
    for (const listener of this.#listeners.get(topic) ?? []) {
      if ((await listener.validate(data)) !== 'accept') return
      listener.onMessage(data, from)
    }
    this.#flood(topic, data, id, from)
  }

  #joined(peer: string, topic: string): void {
    const known = this.#known.get(topic) ?? new Set()
    this.#known.set(topic, known.add(peer))
    for (const listener of this.#listeners.get(topic) ?? []) listener.onJoin(peer)
  }

  #tellSubscription(peer: string, topic: string): void {
    this.#ether.sendSurely(this, peer, (other) => other.#joined(this.id, topic))
  }

  #flood(topic: string, data: Uint8Array, id: string, from?: string): number {
    const to = this.subscribers(topic).filter((peer) => peer !== from)
    for (const peer of to)
      this.#ether.send(this, peer, (other) => void other.hear(topic, data, id, this.id))
    return to.length
  }
}
