import { base36 } from 'multiformats/bases/base36'
import { HOUR, MINUTE, SECOND, backOff, isDue, systemClock } from './clock.ts'
import { DhtKeeper } from './dht-keeper.ts'
import { Hearsay } from './hearsay.ts'
import { Ledger } from './ledger.ts'
import { ipnsName } from './name.ts'
import { OtherWriters } from './other-writers.ts'
import { explained } from './publisher-state.ts'
import { fitting, readRecord, signRecord, tryReadRecord } from './record.ts'
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
import type { RecordExchange } from './record-exchange.ts'
import type { IpnsRecord } from './record.ts'

/** How long readers may go by a record before they ask again. */
const TTL = MINUTE
/** How often a record is signed anew because we are found elsewhere: relays come and go. Milliseconds. */
const MOVE_PAUSE = MINUTE
/** How often the record is looked at: our clock may have been wrong, or our addresses may have changed. Milliseconds. */
const CHECK_EVERY = 5 * MINUTE
/** How long a key with a history waits for somebody who may know of more, and one without. Milliseconds. */
const COMPANY_WAIT = { known: 10 * SECOND, restored: 30 * SECOND }
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
  /** The name does not say what is wanted yet, or something else is just being told. */
  readonly pending: boolean
  /** Another writer publishes under the key, so we do not. */
  readonly conflict: string | undefined
  /** Whatever is wrong, the conflict first. */
  readonly error: string | undefined
}

export interface PublisherComponents {
  readonly key: PrivateKey
  readonly keychain: Keychain
  readonly exchange: RecordExchange
  readonly state: Pick<DurableMap, 'get' | 'put'>
  /** Our addresses for readers, in the mode's scope; at most 8 are used. */
  readonly addresses: () => string[]
  /** Whether this root was ever ours, by the journal. */
  readonly isOurs: (root: CID) => Promise<boolean>
  /** Whether the key was made just now, so that nobody can know of anything under it. */
  readonly isNewKey?: boolean | undefined
  /** Whether somebody may be met who is not connected yet. */
  readonly expectsPeers?: boolean | undefined
  readonly log: Log
  readonly clock?: Clock | undefined
}

export interface PublisherOptions {
  /** How long a record is valid without us. Milliseconds. */
  readonly lifetime: number
  /** How often a record is told again. Milliseconds. */
  readonly republishEvery?: number | undefined
  /** The least time from one record to the next; 0 when it is not given. Milliseconds. */
  readonly pause?: number | undefined
}

/**
 * Publishes our root under our key, in the background, for as long as it takes (promise I7).
 *
 * One loop does everything, so nothing happens at the same time as anything else. The rule it keeps: a sequence is on
 * disk together with its value before anything is signed with it, and the next one is always higher, whoever used the
 * last (promise I6). What it learns about its own name from others, {@link Hearsay} only keeps for the loop, and
 * {@link OtherWriters} judges there.
 */
export class Publisher {
  readonly name: IpnsName
  readonly #components: PublisherComponents
  readonly #clock: Clock
  readonly #lifetime: number
  readonly #republishEvery: number
  readonly #pause: number
  readonly #waker: Waker
  readonly #dht: DhtKeeper
  /** What others hold under our name. */
  readonly #hearsay: Hearsay
  readonly #others: OtherWriters
  readonly #ledger: Ledger
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  /** Whether others were asked what they know. */
  #hasBegun = false
  #wanted: CID | undefined
  /** What the network heard last in this life of the process. */
  #told: IpnsRecord | undefined
  /** What it is about to hear. */
  #saying: string | undefined
  #failure: string | undefined
  #signedAt = -Infinity

  constructor(components: PublisherComponents, options: PublisherOptions) {
    this.#components = components
    this.#clock = components.clock ?? systemClock
    this.#lifetime = options.lifetime
    this.#republishEvery = Math.min(options.republishEvery ?? 12 * HOUR, options.lifetime / 2)
    this.#pause = options.pause ?? 0
    this.name = ipnsName(components.key.publicKey.toCID().toV1().toString(base36))
    this.#waker = new Waker(this.#clock)
    const { exchange, log, state, isNewKey = false, isOurs } = components
    const parts = { exchange, log, clock: this.#clock }
    this.#ledger = new Ledger(state, this.name, isNewKey)
    this.#dht = new DhtKeeper(this.name, parts)
    this.#hearsay = new Hearsay(this.name, parts, () => this.#waker.wake())
    const [name, ledger, hearsay] = [this.name, this.#ledger, this.#hearsay]
    this.#others = new OtherWriters({ name, ledger, hearsay, isOurs, log })
  }

  /**
   * Begins to publish. Resolves when what was published before is known, or cannot be read now: then the status says why,
   * and it is tried again.
   *
   * @param options `isResting`: it publishes nothing, hears nobody and changes nothing; only the status is right
   */
  async start({ isResting = false } = {}): Promise<void> {
    if (!isResting) this.#running ??= this.#run(this.#stop.signal)
    await this.#ledger.read().catch(() => undefined) // the loop meets it as well, and tells
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the node stops'))
    this.#hearsay.stop()
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

  /**
   * Goes on above another writer. Returns at once.
   *
   * @returns the sequence that ours will be above; `undefined` when no other writer was met
   */
  takeOver(): bigint | undefined {
    const above = this.#others.takeOver()
    if (above !== undefined) this.#waker.wake()
    return above
  }

  /**
   * The roots that others may have our name for: what was told last, also in an earlier life, and what may have been.
   *
   * @throws what keeps that from being read
   */
  async announced(): Promise<CID[]> {
    const { value } = await this.#ledger.read()
    const values = new Set([value, this.#told?.value ?? value, this.#saying ?? value])
    return [...values].map(rootOf).filter((root) => root !== undefined)
  }

  status(): PublisherStatus {
    const { state } = this.#ledger
    const published = state?.record === undefined ? undefined : rootOf(state.value)
    const told = this.#told === undefined ? undefined : rootOf(this.#told.value)
    const conflict = state?.conflict === undefined ? undefined : explained(state.conflict)
    return {
      name: this.name.text,
      root: this.#wanted?.toString(),
      publishedRoot: (told ?? published)?.toString(),
      sequence: (state?.sequence ?? 0n).toString(),
      publishedAt: state?.publishedAt,
      pending: !this.#isSaid(),
      conflict,
      error: conflict ?? this.#failure ?? this.#dht.error,
    }
  }

  /** Whether the name says what is wanted, and nothing else is just being told: the last but one root may be wanted again. */
  #isSaid(): boolean {
    if (this.#wanted === undefined) return true
    const value = valueOf(this.#wanted)
    return [this.#told?.value, this.#ledger.state?.value, this.#saying ?? value].every(
      (v) => v === value,
    )
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
    const stored = await this.#ledger.read()
    if (!this.#hasBegun) await this.#begin(stored, signal)
    const state = await this.#others.heed(signal)
    this.#hearsay.askNowAndThen(signal)
    if (state.conflict !== undefined || this.#wanted === undefined) return CHECK_EVERY
    this.#saying = valueOf(this.#wanted)
    try {
      return await this.#say(this.#saying, state)
    } finally {
      this.#saying = undefined
    }
  }

  async #say(value: string, state: PublisherState): Promise<number> {
    const known = await this.#usable(state, value)
    const wait = known === undefined ? 0 : this.#waitToMove(known, state)
    const record = wait === 0 ? undefined : known
    const pause = record === undefined ? this.#pauseLeft() : 0
    if (pause > 0) return pause
    const isTold = record !== undefined && this.#told?.sequence === record.sequence
    if (!isTold || isDue(state.publishedAt, this.#republishEvery, this.#clock.now()))
      await this.#tell(record ?? (await this.#sign(state, value)))
    return Math.min(wait || CHECK_EVERY, CHECK_EVERY, this.#republishEvery)
  }

  /**
   * Asks the network what it knows.
   *
   * It waits a little for somebody to ask: nobody hears of us as long as nobody is there, but a sequence would be used
   * up that a later life of this key may have used already, if this data directory is an old backup.
   */
  async #begin(state: PublisherState, signal: AbortSignal): Promise<void> {
    const { exchange, isNewKey = false, expectsPeers = false } = this.#components
    this.#hearsay.listen()
    // We may have mirrored the name before its key came here. What we know ourselves confirms nothing.
    const held = exchange.held(this.name)
    if (held !== undefined && held.sequence > state.sequence) this.#hearsay.meet({ record: held })
    const isRestored = state.sequence === 0n && !isNewKey
    const patience = isRestored ? COMPANY_WAIT.restored : COMPANY_WAIT.known
    if (expectsPeers && !isNewKey) await this.#hearsay.company(patience, signal)
    // A key without a history here may have one elsewhere: that is worth waiting for.
    await this.#hearsay.ask(signal, isRestored)
    this.#hasBegun = true
  }

  /** The record that is signed already, if it still says what is wanted and will for a while. */
  async #usable(state: PublisherState, value: string): Promise<IpnsRecord | undefined> {
    if (state.record === undefined || state.value !== value) return undefined
    const bytes = Buffer.from(state.record, 'base64')
    const record =
      this.#told?.sequence === state.sequence
        ? this.#told
        : await tryReadRecord(this.name, bytes, this.#components.keychain)
    if (record === undefined) return undefined
    // It may have been signed by a clock that was wrong, or for another lifetime.
    const left = record.validUntil - this.#clock.now()
    const isFresh = left > this.#lifetime / 2
    return isFresh && left <= this.#lifetime + Math.min(HOUR, this.#lifetime / 2)
      ? record
      : undefined
  }

  /**
   * How long this record may still say where we are found, in ms: for ever, while it is right; when it is not, until a
   * minute after it was told, since addresses may come and go. After a start it is put right at once.
   */
  #waitToMove({ addresses }: IpnsRecord, { publishedAt = 0 }: PublisherState): number {
    const now = this.#addresses().toSorted().join()
    if (now === [...addresses].toSorted().join()) return Infinity
    const age = this.#clock.now() - publishedAt
    return this.#told === undefined || age < 0 ? 0 : Math.max(MOVE_PAUSE - age, 0)
  }

  /** How long no other record is signed yet, in ms; a clock that was set back holds nothing up. */
  #pauseLeft(): number {
    const age = this.#clock.now() - this.#signedAt
    return age < 0 ? 0 : Math.max(this.#pause - age, 0)
  }

  /** The sequence and its value are durable before it is signed. */
  async #sign(state: PublisherState, value: string): Promise<IpnsRecord> {
    const { key, keychain } = this.#components
    if (state.sequence >= MAX_SEQUENCE) throw new Error('this key has used up its sequence numbers')
    const sequence = this.#last(state) + 1n
    const { publishedAt, confirmed } = state
    this.#signedAt = this.#clock.now()
    await this.#ledger.write({ sequence, value, publishedAt, confirmed })
    const addresses = this.#addresses()
    const [lifetime, ttl, now] = [this.#lifetime, TTL, this.#clock.now()]
    const bytes = await signRecord(key, { value, sequence, addresses, now, lifetime, ttl })
    return readRecord(this.name, bytes, keychain)
  }

  /**
   * The sequence to go on from. A restored key of which nobody knows anything may have been used for years, and those
   * who followed it take nothing older. Nobody published every millisecond since 1970, so that is where it goes on.
   */
  #last({ sequence }: PublisherState): bigint {
    if (sequence > 0n || this.#components.isNewKey === true) return sequence
    return BigInt(Math.max(0, this.#clock.now()))
  }

  /** First tells, then writes down: what is told is no secret, and another start would sign anew. */
  async #tell(record: IpnsRecord): Promise<void> {
    const { exchange, log } = this.#components
    const peers = await exchange.tell(this.name, record)
    this.#told = record
    this.#dht.put(record)
    const { value, sequence, bytes } = record
    const details = { name: this.name.text, value, sequence: sequence.toString(), peers }
    log.info(details, 'root published')
    const written = {
      record: Buffer.from(bytes).toString('base64'),
      publishedAt: this.#clock.now(),
    }
    const held = exchange.hold(this.name, record)
    await this.#ledger.write({ ...(await this.#ledger.read()), ...written })
    await held
  }

  #addresses(): string[] {
    return fitting(this.#components.addresses())
  }
}
