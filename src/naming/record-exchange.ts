import { MINUTE, SECOND, isDue, systemClock, within } from './clock.ts'
import { Lookups } from './lookups.ts'
import { IPNS_PREFIX, fromRoutingKey, ipnsName } from './name.ts'
import { InvalidRecordError, hasExpired, readRecord } from './record.ts'
import type { Keychain } from '@ipshipyard/keychain'
import type { DurableMap } from '../registry/ports.ts'
import type { Clock } from './clock.ts'
import type { FoundRecord, Listener } from './lookups.ts'
import type { IpnsName } from './name.ts'
import type { Log, RecordNetwork, Verdict } from './ports.ts'
import type { IpnsRecord } from './record.ts'

const DHT_PUT_TIMEOUT = MINUTE
/** A peer that joined is asked again after this, for what it or we were told while we did not know of each other. */
const ASK_AGAIN_AFTER = SECOND
/** How often those who are behind are told so. Milliseconds. */
const CORRECT_EVERY = MINUTE
/** `/ipns/` and the longest multihash of a key, with room to spare. */
const MAX_ROUTING_KEY = 64
/** Names whose records we keep for others; more than any configuration lists. */
const MAX_HELD = 1_024

interface Topic {
  readonly name: IpnsName
  readonly listeners: Set<Listener>
  readonly leave: () => void
  /** When somebody who is behind was told so. Milliseconds since the epoch. */
  correctedAt: number | undefined
}

export interface ExchangeComponents {
  readonly network: RecordNetwork
  /** Records that we answer lookups with. */
  readonly held: DurableMap
  readonly keychain: Keychain
  readonly log: Log
  readonly clock?: Clock | undefined
}

/**
 * IPNS records over pubsub, `/libp2p/fetch/0.0.1` and the DHT: the same topics, keys and records as @helia/ipns and
 * Kubo, but every answer is shown, not only the first (a stale or lying peer is often the fastest), nothing that is
 * kept can block something newer, and what is kept is what our own rules took (facts S11-S13, B-threats 3).
 */
export class RecordExchange {
  readonly #network: RecordNetwork
  readonly #held: DurableMap
  readonly #keychain: Keychain
  readonly #log: Log
  readonly #clock: Clock
  readonly #stop = new AbortController()
  readonly #topics = new Map<string, Topic>()
  readonly #lookups: Lookups
  #leave: Array<() => void> = []
  /** What is held; bounded like the map. */
  readonly #memory = new Map<string, IpnsRecord>()

  constructor(components: ExchangeComponents) {
    this.#network = components.network
    this.#held = components.held
    this.#keychain = components.keychain
    this.#log = components.log
    this.#clock = components.clock ?? systemClock
    this.#lookups = new Lookups({ ...components, clock: this.#clock, signal: this.#stop.signal })
  }

  get hasDht(): boolean {
    return this.#network.hasDht
  }

  /** Begins to answer lookups, and to ask whoever comes. */
  async start(): Promise<void> {
    for await (const [text, bytes] of this.#held.entries()) {
      const record = await this.#lookups.read(ipnsName(text), bytes)
      // What cannot be read is of no use to anybody. What has expired may only seem so, to a clock that is wrong.
      if (record === undefined) await this.#held.delete(text)
      else this.#memory.set(text, record)
    }
    this.#leave = [
      this.#network.serve(IPNS_PREFIX, (key) => this.#answer(key)),
      // Not everybody who has a record listens for newer ones: a stock publisher does not.
      this.#network.onPeer((peer) => {
        for (const topic of this.#topics.values()) this.#askSoon(topic, peer)
      }),
    ]
  }

  /** Ends all subscriptions and lookups. */
  stop(): void {
    this.#stop.abort(new Error('the node stops'))
    for (const leave of this.#leave) leave()
    for (const { leave, listeners } of this.#topics.values()) {
      listeners.clear()
      leave()
    }
    this.#topics.clear()
  }

  /** Resolves when anybody is connected. @throws the signal's reason */
  async company(signal: AbortSignal): Promise<void> {
    if (this.#network.peers().length > 0) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const leave = this.#network.onPeer(() => resolve())
    const onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    await promise.finally(() => {
      leave()
      signal.removeEventListener('abort', onAbort)
    })
  }

  /** The record we answer lookups of a name with, also when it has expired. */
  held(name: IpnsName): IpnsRecord | undefined {
    return this.#memory.get(name.text)
  }

  /** Keeps a record, unless there is a newer one, and answers lookups with it from now on. */
  async hold(name: IpnsName, record: IpnsRecord): Promise<void> {
    if (this.#remember(name, record)) await this.#held.put(name.text, record.bytes)
  }

  #remember(name: IpnsName, record: IpnsRecord): boolean {
    const before = this.#memory.get(name.text)
    if (before === undefined && this.#memory.size >= MAX_HELD) return false
    if (before !== undefined && before.sequence > record.sequence) return false
    if (before !== undefined && Buffer.compare(before.bytes, record.bytes) === 0) return false
    this.#memory.set(name.text, record)
    return true
  }

  /**
   * Tells everybody who listens, at once, and answers lookups with the record; to how many peers it was told. Nobody
   * is no error. On our disk it is only after {@link hold}.
   */
  async tell(name: IpnsName, record: IpnsRecord): Promise<number> {
    this.#remember(name, record)
    return this.#network.publish(name.topic, record.bytes)
  }

  /** Leaves a record with the DHT, where there is one. @throws when no peer took it */
  async putInDht(name: IpnsName, record: IpnsRecord, signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([this.#stop.signal, signal])
    const limit = { clock: this.#clock, milliseconds: DHT_PUT_TIMEOUT, signal: either }
    await within(limit, (until) => this.#network.dhtPut(name.routingKey, record.bytes, until))
  }

  /** Asks connected peers; each valid record is given as it comes. */
  askPeers(name: IpnsName, onFound: Listener, signal?: AbortSignal): Promise<void> {
    return this.#lookups.askPeers(name, onFound, signal)
  }

  /** The DHT's newest record; takes long. `undefined` when it has none. @throws when it cannot be asked now */
  askDht(name: IpnsName, signal?: AbortSignal): Promise<IpnsRecord | undefined> {
    return this.#lookups.askDht(name, signal)
  }

  /**
   * Hears of every valid record that is announced, or that a peer who comes or joins brings along; it may have expired.
   * Returns the way out.
   */
  subscribe(name: IpnsName, onRecord: Listener): () => void {
    const topic = this.#topics.get(name.topic) ?? this.#join(name)
    topic.listeners.add(onRecord)
    return () => {
      if (!topic.listeners.delete(onRecord) || topic.listeners.size > 0) return
      if (this.#topics.delete(name.topic)) topic.leave()
    }
  }

  /** One subscription per topic, however many listen: the last to leave ends it. */
  #join(name: IpnsName): Topic {
    const listeners = new Set<Listener>()
    const leave = this.#network.subscribe(name.topic, {
      validate: (data) => this.#judge(topic, data),
      onMessage: (data, from) => {
        void this.#lookups.read(name, data).then((record) => {
          if (record !== undefined) tellAll(listeners, { record, from })
        })
      },
      onJoin: (peer) => this.#onJoin(topic, peer),
    })
    const topic: Topic = { name, listeners, leave, correctedAt: undefined }
    this.#topics.set(name.topic, topic)
    return topic
  }

  /** Who joins may have been told what we were not, or the other way round, until we both know of each other. */
  #onJoin(topic: Topic, peer: string): void {
    this.#askSoon(topic, peer)
    this.#clock.sleep(ASK_AGAIN_AFTER, this.#stop.signal).then(
      () => this.#askSoon(topic, peer),
      () => undefined, // stopping
    )
  }

  #askSoon({ name, listeners }: Topic, peer: string): void {
    if (listeners.size > 0) this.#lookups.askSoon(name, peer, (found) => tellAll(listeners, found))
  }

  /** What other peers hear about through us: only records that are good, and not older than what we hold. */
  async #judge(topic: Topic, data: Uint8Array): Promise<Verdict> {
    const { name } = topic
    try {
      const record = await readRecord(name, data, this.#keychain)
      if (hasExpired(record, this.#clock.now())) return 'ignore'
      const held = this.#memory.get(name.text)
      if (held === undefined || record.sequence > held.sequence) return 'accept'
      if (record.sequence === held.sequence && record.value === held.value) return 'accept'
      this.#correct(topic, held)
      return record.sequence < held.sequence ? 'ignore' : 'accept'
    } catch (error) {
      if (error instanceof InvalidRecordError) return 'reject'
      throw error
    }
  }

  /**
   * Somebody tells what is behind what we hold: an owner who lost count, say (an old backup, another writer), whom
   * nobody would follow, and who would never know. Others may only replay, so it is not told again and again.
   */
  #correct(topic: Topic, held: IpnsRecord): void {
    const now = this.#clock.now()
    if (hasExpired(held, now) || !isDue(topic.correctedAt, CORRECT_EVERY, now)) return
    topic.correctedAt = now
    this.#network.publish(topic.name.topic, held.bytes).catch((error: unknown) => {
      this.#log.debug({ name: topic.name.text, err: error }, 'a newer record could not be told')
    })
  }

  /** One that has expired is given, too: nobody follows it, but its owner may have lost count (a restored backup). */
  #answer(key: Uint8Array): Promise<Uint8Array | undefined> {
    const text = nameOf(key)
    return Promise.resolve(text === undefined ? undefined : this.#memory.get(text)?.bytes)
  }
}

function tellAll(listeners: ReadonlySet<Listener>, found: FoundRecord): void {
  for (const listener of listeners) listener(found)
}

/** The name in a lookup, `undefined` when it is none: lookups come from anybody. */
function nameOf(key: Uint8Array): string | undefined {
  // Base 36 takes time with the square of the length, and a peer may send megabytes.
  if (key.length > MAX_ROUTING_KEY) return undefined
  try {
    return fromRoutingKey(key).text
  } catch {
    return undefined
  }
}
