import { base36 } from 'multiformats/bases/base36'
import { DAY, HOUR, MINUTE, SECOND, backOff, systemClock } from './clock.ts'
import { DhtKeeper } from './dht-keeper.ts'
import { ipnsName } from './name.ts'
import { loadPublisherState, savePublisherState } from './publisher-state.ts'
import { InvalidRecordError, fitting, readRecord, signRecord } from './record.ts'
import { rootOf, valueOf } from './root-value.ts'
import { Waker } from './waker.ts'
import type { PrivateKey } from '@ipshipyard/crypto'
import type { Keychain } from '@ipshipyard/keychain'
import type { CID } from 'multiformats/cid'
import type { DurableMap } from '../registry/ports.ts'
import type { Clock } from './clock.ts'
import type { IpnsName } from './name.ts'
import type { Log } from './ports.ts'
import type { PublisherState } from './publisher-state.ts'
import type { FoundRecord, RecordExchange } from './record-exchange.ts'
import type { IpnsRecord } from './record.ts'

/** How long readers may go by a record before they ask again. */
const TTL = MINUTE
/** How often a record is signed anew because we are found elsewhere: relays come and go. */
const MOVE_PAUSE = MINUTE
/** The largest number that fits the field (IPNS spec, "Sequence": uint64). */
const MAX_SEQUENCE = 2n ** 64n - 1n

/** What the status page says of our name. */
export interface PublisherStatus {
  readonly name: string
  /** The root that ought to be public. */
  readonly root: string | undefined
  /** The root of the newest record that went out. */
  readonly publishedRoot: string | undefined
  readonly sequence: string
  /** Milliseconds since the epoch. */
  readonly publishedAt: number | undefined
  readonly pending: boolean
  readonly error: string | undefined
}

export interface PublisherComponents {
  readonly key: PrivateKey
  readonly keychain: Keychain
  readonly exchange: RecordExchange
  readonly state: DurableMap
  /** Our addresses for readers, in the mode's scope; at most 8 are used. */
  readonly addresses: () => string[]
  /** Whether this root was ever ours, by the journal. */
  readonly isOurs: (root: CID) => Promise<boolean>
  readonly log: Log
  readonly clock?: Clock | undefined
}

export interface PublisherOptions {
  /** How long a record is valid without us. Milliseconds. */
  readonly lifetime: number
  /** How often a record is told again. Milliseconds. */
  readonly republishEvery?: number | undefined
}

/**
 * Publishes our root under our key, in the background, for as long as it takes (promise I7).
 *
 * One loop does everything, so nothing happens at the same time as anything else. The rule it keeps: a sequence is on
 * disk together with its value before anything is signed with it, and the next one is always higher, whoever used the
 * last (promise I6). What it learns about its own name from others, {@link #meet} only writes down for the loop.
 */
export class Publisher {
  readonly name: IpnsName
  readonly #components: PublisherComponents
  readonly #clock: Clock
  readonly #lifetime: number
  readonly #republishEvery: number
  readonly #waker: Waker
  readonly #dht: DhtKeeper
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #leave: (() => void) | undefined
  #state: PublisherState | undefined
  #wanted: CID | undefined
  /** The newest record of our name that others hold, until the loop has looked at it. */
  #met: IpnsRecord | undefined
  /** Whether the network heard of our record in this life of the process. */
  #told = false
  #conflict: string | undefined
  #failure: string | undefined

  constructor(components: PublisherComponents, options: PublisherOptions) {
    this.#components = components
    this.#clock = components.clock ?? systemClock
    this.#lifetime = options.lifetime
    this.#republishEvery = Math.min(options.republishEvery ?? 12 * HOUR, options.lifetime / 2)
    this.name = ipnsName(components.key.publicKey.toCID().toV1().toString(base36))
    this.#waker = new Waker(this.#clock)
    const { exchange, log } = components
    this.#dht = new DhtKeeper(this.name, { exchange, log, clock: this.#clock })
  }

  /** Begins to publish. Returns at once. */
  start(): void {
    this.#running ??= this.#run(this.#stop.signal)
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the node stops'))
    this.#leave?.()
    await Promise.all([this.#running, this.#dht.stop()])
  }

  /** Makes this the root to publish. Returns at once; of several calls in a row the last counts. */
  publish(root: CID): void {
    this.#wanted = root
    this.#waker.wake()
  }

  /** We may be found elsewhere now than the record says. Returns at once. */
  move(): void {
    this.#waker.wake()
  }

  /** Goes on after another writer was met: its sequence is ours to continue from. */
  takeOver(): void {
    if (this.#conflict === undefined || this.#state === undefined) return
    this.#conflict = undefined
    this.#state = { ...this.#state, confirmed: false }
    this.#waker.wake()
  }

  status(): PublisherStatus {
    const state = this.#state
    const published = state?.publishedAt === undefined ? undefined : rootOf(state.value)
    const pending =
      this.#wanted !== undefined && (!this.#told || !published?.equals(this.#wanted.toV1()))
    return {
      name: this.name.text,
      root: this.#wanted?.toString(),
      publishedRoot: published?.toString(),
      sequence: (state?.sequence ?? 0n).toString(),
      publishedAt: state?.publishedAt,
      pending,
      error: this.#conflict ?? this.#failure ?? this.#dht.error,
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      let due: number
      try {
        due = await this.#step(signal)
        failures = 0
        this.#failure = undefined
      } catch (error) {
        if (signal.aborted) return
        // Whatever it was (a full disk, say): nothing is lost by trying again, and there is nobody to tell but status.
        failures++
        this.#failure = error instanceof Error ? error.message : String(error)
        this.#components.log.warn(
          { name: this.name.text, err: error },
          'publishing failed, will try again',
        )
        due = backOff(failures, SECOND, 5 * MINUTE)
      }
      await this.#waker.sleep(due, signal).catch(() => undefined) // stopping: the loop ends
    }
  }

  /** Does what is to be done now; returns the milliseconds until there may be something again. */
  async #step(signal: AbortSignal): Promise<number> {
    let state = this.#state ?? (await this.#begin(signal))
    state = await this.#heed(state)
    if (this.#conflict !== undefined || this.#wanted === undefined) return DAY
    const known = await this.#usable(state, valueOf(this.#wanted))
    const moved = known !== undefined && known.addresses.join() !== this.#addresses().join()
    if (known !== undefined && this.#told) {
      const pause = moved ? Math.min(MOVE_PAUSE, this.#republishEvery) : this.#republishEvery
      const due = (state.publishedAt ?? 0) + pause - this.#clock.now()
      if (due > 0) return Math.min(due, pause)
    }
    const isGood = known !== undefined && !moved
    await this.#tell(isGood ? known : await this.#sign(state, valueOf(this.#wanted)))
    return this.#republishEvery
  }

  /** Reads what we knew, and asks the network what it knows. */
  async #begin(signal: AbortSignal): Promise<PublisherState> {
    const { exchange, state: map } = this.#components
    const state = await loadPublisherState(map, this.name.text)
    this.#leave ??= exchange.subscribe(this.name, (found) => this.#meet(found))
    const ask = async (dht: boolean) => {
      for (const found of await exchange.get(this.name, { signal, dht })) this.#meet(found)
    }
    // A key without a history here may have one elsewhere: that is worth waiting for, within the bounds of `get`.
    const fresh = state.sequence === 0n
    await ask(fresh)
    if (!fresh && exchange.hasDht) {
      ask(true).catch((error: unknown) => {
        if (!signal.aborted)
          this.#components.log.debug({ err: error }, 'the DHT could not be asked for our name')
      })
    }
    this.#state = state
    return state
  }

  #meet({ record }: FoundRecord): void {
    if (this.#met !== undefined && this.#met.sequence > record.sequence) return
    this.#met = record
    this.#waker.wake()
  }

  /**
   * Looks at what others hold under our name. A higher sequence than ours means that this state is not the newest:
   * a restored backup or key, or another writer. Roots that were ours, and a state that never met the network, are
   * continued above it; anything else is another writer, and two of them would fight for ever (faults B-threats 5).
   */
  async #heed(state: PublisherState): Promise<PublisherState> {
    const met = this.#met
    this.#met = undefined
    if (met === undefined || met.sequence < state.sequence) return state
    if (met.sequence === state.sequence && met.value === state.value) {
      return state.confirmed ? state : this.#save({ ...state, confirmed: true })
    }
    const root = rootOf(met.value)
    const ours = root !== undefined && (await this.#components.isOurs(root))
    if (state.confirmed && !ours) {
      this.#met = met // for takeOver
      this.#collide(met)
      return state
    }
    this.#conflict = undefined
    return this.#save({ sequence: met.sequence, value: met.value, confirmed: true })
  }

  #collide({ sequence, value }: IpnsRecord): void {
    if (this.#conflict !== undefined) return
    this.#conflict = `another writer publishes under this key: sequence ${sequence} is ${value.slice(0, 80)}`
    this.#components.log.warn({ name: this.name.text }, this.#conflict)
  }

  /** The record that is signed already, if it still says what is wanted and will for a while. */
  async #usable(state: PublisherState, value: string): Promise<IpnsRecord | undefined> {
    if (state.record === undefined || state.value !== value) return undefined
    try {
      const record = await readRecord(
        this.name,
        Buffer.from(state.record, 'base64'),
        this.#components.keychain,
      )
      const fresh = record.validUntil - this.#clock.now() > this.#lifetime / 2
      return fresh ? record : undefined
    } catch (error) {
      if (error instanceof InvalidRecordError) return undefined // it has expired
      throw error
    }
  }

  async #sign(state: PublisherState, value: string): Promise<IpnsRecord> {
    const { key, keychain } = this.#components
    if (state.sequence >= MAX_SEQUENCE) throw new Error('this key has used up its sequence numbers')
    const sequence = state.sequence + 1n
    const decided = await this.#save({ sequence, value, confirmed: state.confirmed })
    const now = this.#clock.now()
    const addresses = this.#addresses()
    const bytes = await signRecord(key, {
      value,
      sequence,
      addresses,
      now,
      lifetime: this.#lifetime,
      ttl: TTL,
    })
    const record = await readRecord(this.name, bytes, keychain)
    await this.#save({ ...decided, record: Buffer.from(bytes).toString('base64') })
    return record
  }

  async #tell(record: IpnsRecord): Promise<void> {
    const peers = await this.#components.exchange.put(this.name, record)
    this.#dht.put(record)
    this.#told = true
    if (this.#state !== undefined)
      await this.#save({ ...this.#state, publishedAt: this.#clock.now() })
    const details = {
      name: this.name.text,
      value: record.value,
      sequence: record.sequence.toString(),
      peers,
    }
    this.#components.log.info(details, 'root published')
  }

  async #save(state: PublisherState): Promise<PublisherState> {
    await savePublisherState(this.#components.state, this.name.text, state)
    this.#state = state
    return state
  }

  #addresses(): string[] {
    return fitting(this.#components.addresses())
  }
}
