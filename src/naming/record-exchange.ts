import { MINUTE, SECOND, systemClock } from './clock.ts'
import { IPNS_PREFIX, fromRoutingKey, ipnsName } from './name.ts'
import { InvalidRecordError, readRecord } from './record.ts'
import type { Keychain } from '@ipshipyard/keychain'
import type { DurableMap } from '../registry/ports.ts'
import type { Clock } from './clock.ts'
import type { IpnsName } from './name.ts'
import type { Log, RecordNetwork, Verdict } from './ports.ts'
import type { IpnsRecord } from './record.ts'

/** How long one peer may take over a lookup; we are connected to it already. */
const LOOKUP_TIMEOUT = 2_500
const DHT_TIMEOUT = MINUTE
/** Peers asked for one name at once, and in all: subscribers first. */
const LOOKUPS_AT_ONCE = 8
const MAX_LOOKUPS = 48
/** `/ipns/` and the longest multihash of a key, with room to spare. */
const MAX_ROUTING_KEY = 64
/** Names whose records we keep for others; more than any configuration lists. */
const MAX_HELD = 1_024

/** A record and who gave it to us. */
export interface FoundRecord {
  readonly record: IpnsRecord
  /** A peer id; `undefined` when it came from the DHT. */
  readonly from: string | undefined
}

type Listener = (found: FoundRecord) => void

interface Topic {
  readonly listeners: Set<Listener>
  readonly leave: () => void
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
  #unserve: (() => void) | undefined
  /** What is held, read once; bounded like the map. */
  readonly #memory = new Map<string, IpnsRecord>()

  constructor(components: ExchangeComponents) {
    this.#network = components.network
    this.#held = components.held
    this.#keychain = components.keychain
    this.#log = components.log
    this.#clock = components.clock ?? systemClock
  }

  get hasDht(): boolean {
    return this.#network.hasDht
  }

  /** Begins to answer lookups. */
  async start(): Promise<void> {
    for await (const [text, bytes] of this.#held.entries()) {
      const record = await this.#read(ipnsName(text), bytes)
      // One that has expired, or cannot be read any more, is of no use to anybody.
      if (record === undefined) await this.#held.delete(text)
      else this.#memory.set(text, record)
    }
    this.#unserve = this.#network.serve(IPNS_PREFIX, (key) => this.#answer(key))
  }

  /** Ends all subscriptions and lookups. */
  stop(): void {
    this.#stop.abort(new Error('the node stops'))
    this.#unserve?.()
    for (const { leave, listeners } of this.#topics.values()) {
      listeners.clear()
      leave()
    }
    this.#topics.clear()
  }

  /** Keeps a record, and answers lookups with it from now on. */
  async hold(name: IpnsName, record: IpnsRecord): Promise<void> {
    if (!this.#memory.has(name.text) && this.#memory.size >= MAX_HELD) return
    await this.#held.put(name.text, record.bytes)
    this.#memory.set(name.text, record)
  }

  /** Holds a record and tells everybody who listens; to how many peers that was. Nobody is no error. */
  async put(name: IpnsName, record: IpnsRecord): Promise<number> {
    await this.hold(name, record)
    return this.#network.publish(name.topic, record.bytes)
  }

  /** Leaves a record with the DHT, where there is one. @throws when no peer took it */
  async putInDht(name: IpnsName, record: IpnsRecord, signal: AbortSignal): Promise<void> {
    await this.#network.dhtPut(name.routingKey, record.bytes, this.#limit(DHT_TIMEOUT, signal))
  }

  /**
   * Asks everybody who may know, and gives all the different valid records there are, in no order. Peers that do not
   * answer in time have none.
   *
   * @param options.dht whether to ask the DHT too (takes long)
   */
  async get(
    name: IpnsName,
    options: { signal?: AbortSignal | undefined; dht?: boolean | undefined } = {},
  ): Promise<FoundRecord[]> {
    const subscribers = this.#network.subscribers(name.topic)
    const others = this.#network.peers().filter((peer) => !subscribers.includes(peer))
    const queue = [...subscribers, ...others].slice(0, MAX_LOOKUPS)
    const found: FoundRecord[] = []
    const worker = async () => {
      for (let peer = queue.shift(); peer !== undefined; peer = queue.shift()) {
        found.push(...(await this.#ask(name, peer, options.signal)))
      }
    }
    const dht = options.dht === true ? this.#askDht(name, options.signal) : Promise.resolve([])
    await Promise.all(Array.from({ length: LOOKUPS_AT_ONCE }, worker))
    found.push(...(await dht))
    options.signal?.throwIfAborted()
    return found
  }

  /** Hears of every valid record that is announced, or that a peer who joins brings along. Returns the way out. */
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
    const tell = (answers: readonly FoundRecord[]) => {
      for (const answer of answers) for (const listener of listeners) listener(answer)
    }
    const leave = this.#network.subscribe(name.topic, {
      validate: (data) => this.#judge(name, data),
      onMessage: (data, from) => {
        void this.#read(name, data).then((record) =>
          tell(record === undefined ? [] : [{ record, from }]),
        )
      },
      onJoin: (peer) => {
        void this.#ask(name, peer, undefined).then(tell)
      },
    })
    const topic = { listeners, leave }
    this.#topics.set(name.topic, topic)
    return topic
  }

  /** What other peers hear about through us: only records that are good, and not older than what we hold. */
  async #judge(name: IpnsName, data: Uint8Array): Promise<Verdict> {
    try {
      const record = await readRecord(name, data, this.#keychain)
      const held = this.#memory.get(name.text)
      return held !== undefined && record.sequence < held.sequence ? 'ignore' : 'accept'
    } catch (error) {
      if (error instanceof InvalidRecordError) return error.expired ? 'ignore' : 'reject'
      throw error
    }
  }

  #answer(key: Uint8Array): Promise<Uint8Array | undefined> {
    const text = nameOf(key)
    const record = text === undefined ? undefined : this.#memory.get(text)
    const isGood = record !== undefined && record.validUntil > this.#clock.now()
    return Promise.resolve(isGood ? record.bytes : undefined)
  }

  /** No peer's failure is ours: one that cannot be asked has nothing. */
  async #ask(
    name: IpnsName,
    peer: string,
    signal: AbortSignal | undefined,
  ): Promise<FoundRecord[]> {
    try {
      const bytes = await this.#network.lookup(
        peer,
        name.routingKey,
        this.#limit(LOOKUP_TIMEOUT, signal),
      )
      const record = bytes === undefined ? undefined : await this.#read(name, bytes)
      return record === undefined ? [] : [{ record, from: peer }]
    } catch (error) {
      this.#log.debug(
        { peer, name: name.text, err: error },
        'a peer could not be asked for a record',
      )
      return []
    }
  }

  async #askDht(name: IpnsName, signal: AbortSignal | undefined): Promise<FoundRecord[]> {
    if (!this.#network.hasDht) return []
    try {
      const bytes = await this.#network.dhtGet(name.routingKey, this.#limit(30 * SECOND, signal))
      const record = bytes === undefined ? undefined : await this.#read(name, bytes)
      return record === undefined ? [] : [{ record, from: undefined }]
    } catch (error) {
      this.#log.debug({ name: name.text, err: error }, 'the DHT could not be asked for a record')
      return []
    }
  }

  /** A record, `undefined` when it is not one of that name. */
  async #read(name: IpnsName, bytes: Uint8Array): Promise<IpnsRecord | undefined> {
    try {
      return await readRecord(name, bytes, this.#keychain)
    } catch (error) {
      if (!(error instanceof InvalidRecordError)) throw error
      this.#log.debug({ name: name.text, err: error }, 'a record was refused')
      return undefined
    }
  }

  #limit(milliseconds: number, signal: AbortSignal | undefined): AbortSignal {
    const signals = [this.#stop.signal, AbortSignal.timeout(milliseconds)]
    return AbortSignal.any(signal === undefined ? signals : [...signals, signal])
  }
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
