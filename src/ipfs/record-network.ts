import { TopicValidatorResult } from '@libp2p/gossipsub'
import { isNamed } from './errors.ts'
import type { GossipSubEvents } from '@libp2p/gossipsub'
import type { IdentifyResult, Libp2p } from '@libp2p/interface'
import type { Services } from './libp2p-options.ts'

/** What a topic's validator says about a message: pass it on, drop it, or drop it and think less of its sender. */
export type Verdict = 'accept' | 'ignore' | 'reject'

/**
 * What the naming room needs of the network: pubsub with signed messages, lookups by `/libp2p/fetch/0.0.1`, and the
 * DHT where there is one. Peers are named by their peer ids. It has no rules of its own.
 */
export class RecordNetwork {
  readonly #libp2p: Libp2p<Services>
  readonly #dht: boolean

  /** @param options.dht whether records are kept in a DHT too */
  constructor(libp2p: Libp2p<Services>, options: { dht: boolean }) {
    this.#libp2p = libp2p
    this.#dht = options.dht
  }

  get hasDht(): boolean {
    return this.#dht
  }

  peers(): string[] {
    return this.#libp2p.getPeers().map(String)
  }

  /** Connected peers that are subscribed to the topic. */
  subscribers(topic: string): string[] {
    return this.#libp2p.services.pubsub.getSubscribers(topic).map(String)
  }

  /** Tells of each peer who answers lookups, whenever a connection to it was made. Returns the way out. */
  onPeer(listener: (peer: string) => void): () => void {
    const { protocol } = this.#libp2p.services.fetch
    const onIdentify = ({ detail }: CustomEvent<IdentifyResult>): void => {
      if (detail.protocols.includes(protocol)) listener(detail.peerId.toString())
    }
    this.#libp2p.addEventListener('peer:identify', onIdentify)
    return () => this.#libp2p.removeEventListener('peer:identify', onIdentify)
  }

  /** How many peers it was sent to. Nobody listening is no error. */
  async publish(topic: string, data: Uint8Array): Promise<number> {
    const { recipients } = await this.#libp2p.services.pubsub.publish(topic, data)
    return recipients.length
  }

  /**
   * Listens on a topic. The validator runs before a message is passed on to other peers, and only what it accepts
   * comes to `onMessage`. Returns the way out.
   */
  subscribe(
    topic: string,
    listener: {
      validate(data: Uint8Array): Promise<Verdict>
      onMessage(data: Uint8Array, from: string): void
      /** A peer subscribed to the topic. */
      onJoin(peer: string): void
    },
  ): () => void {
    const { pubsub } = this.#libp2p.services
    const onMessage = ({ detail }: GossipSubEvents['message']) => {
      if (detail.topic === topic && detail.type === 'signed')
        listener.onMessage(detail.data, detail.from.toString())
    }
    const onChange = ({ detail }: GossipSubEvents['subscription-change']) => {
      const joined = detail.subscriptions.some(
        (change) => change.topic === topic && change.subscribe,
      )
      if (joined) listener.onJoin(detail.peerId.toString())
    }
    pubsub.topicValidators.set(
      topic,
      async (_, message) => RESULTS[await listener.validate(message.data)],
    )
    pubsub.addEventListener('message', onMessage)
    pubsub.addEventListener('subscription-change', onChange)
    pubsub.subscribe(topic)
    return () => {
      pubsub.removeEventListener('message', onMessage)
      pubsub.removeEventListener('subscription-change', onChange)
      pubsub.topicValidators.delete(topic)
      // Stopping the node has ended all subscriptions already, and gossipsub minds being told twice.
      if (this.#libp2p.status === 'started') pubsub.unsubscribe(topic)
    }
  }

  /** Answers other peers' lookups of keys that begin with `prefix`. Returns the way out. */
  serve(prefix: string, lookup: (key: Uint8Array) => Promise<Uint8Array | undefined>): () => void {
    const { fetch } = this.#libp2p.services
    fetch.registerLookupFunction(prefix, lookup)
    return () => fetch.unregisterLookupFunction(prefix, lookup)
  }

  /** Looks a key up at one connected peer. @throws when it cannot be asked */
  async lookup(
    peer: string,
    key: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const id = this.#libp2p.getPeers().find((candidate) => candidate.toString() === peer)
    return id === undefined ? undefined : this.#libp2p.services.fetch.fetch(id, key, { signal })
  }

  /** Keeps a record in the DHT. @throws when no peer took it */
  async dhtPut(key: Uint8Array, record: Uint8Array, signal: AbortSignal): Promise<void> {
    if (this.#dht) await this.#libp2p.contentRouting.put(key, record, { signal })
  }

  /** The newest record the DHT has. */
  async dhtGet(key: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (!this.#dht) return undefined
    try {
      return await this.#libp2p.contentRouting.get(key, { signal })
    } catch (error) {
      if (isNamed(error, 'NotFoundError')) return undefined
      throw error
    }
  }
}

const RESULTS: Readonly<Record<Verdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
}
