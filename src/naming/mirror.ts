import { HOUR, MINUTE, SECOND, isDue, systemClock } from './clock.ts'
import { Advancer } from './advancer.ts'
import { KeepAlive } from './keep-alive.ts'
import { MirrorHealth } from './mirror-health.ts'
import { loadMirrorState, saveMirrorState } from './mirror-state.ts'
import { ipnsName } from './name.ts'
import { tryReadRecord } from './record.ts'
import { lastsTooLong, ruleOn } from './record-policy.ts'
import type { Keychain } from '@ipshipyard/keychain'
import type { CID } from 'multiformats/cid'
import type { DurableMap } from '../registry/ports.ts'
import type { Advance, Target } from './advancer.ts'
import type { Clock } from './clock.ts'
import type { MirrorFacts } from './mirror-health.ts'
import type { MirrorState } from './mirror-state.ts'
import type { IpnsName } from './name.ts'
import type { Log } from './ports.ts'
import type { FoundRecord } from './lookups.ts'
import type { RecordExchange } from './record-exchange.ts'
import type { IpnsRecord } from './record.ts'

/** Peer ids that are remembered as likely sources of a root. */
const MAX_PROVIDERS = 16

/** How a mirror stands. */
export interface MirrorStatus {
  readonly name: string
  /** The root that serves. */
  readonly root: string | undefined
  readonly sequence: string | undefined
  /** When somebody last gave us a valid record of the name that was not behind. Milliseconds since the epoch. */
  readonly resolvedAt: number | undefined
  readonly state: 'waiting' | 'current' | 'advancing' | 'stale' | 'error'
  readonly error: string | undefined
}

/** Somebody else's registry, followed by its name. */
export interface FollowedName {
  readonly name: string
  /** The root that serves now; `undefined` until there is one. */
  root(): CID | undefined
  status(): MirrorStatus
  /**
   * Since when the root that serves may not be the owner's newest, in ms since the epoch; `undefined` while it was
   * confirmed a short time ago.
   */
  staleSince(): number | undefined
  /** Whether it had a root that serves, perhaps, and what is remembered of that cannot be read. */
  isLost(): boolean
  /** Reads what is remembered, so that {@link root} is right when this resolves; the network comes later. */
  start(): Promise<void>
  stop(): Promise<void>
}

export interface MirrorComponents {
  readonly exchange: RecordExchange
  readonly keychain: Keychain
  readonly state: DurableMap
  readonly advance: Advance
  /** Connects to the owner by the addresses its record names; checks the scope. */
  readonly dial: (
    addresses: readonly string[],
    options: { signal: AbortSignal },
  ) => Promise<boolean>
  /** Called whenever another root serves. */
  readonly onRoot?: ((root: CID) => void) | undefined
  readonly log: Log
  readonly clock?: Clock | undefined
}

export interface MirrorOptions {
  /** How often peers are asked for the record. Milliseconds. */
  readonly pollEvery?: number | undefined
  /** How often the record is told again, for its owner. Milliseconds. */
  readonly keepAliveEvery?: number | undefined
}

/**
 * Follows one name: hears of new records by pubsub, asks for them now and then, and moves to a new root when enough
 * of it is here. It keeps the newest record alive, so that the name outlives its owner's absence.
 */
export class Mirror implements FollowedName {
  readonly name: string
  readonly #name: IpnsName
  readonly #components: MirrorComponents
  readonly #clock: Clock
  readonly #pollEvery: number
  readonly #advancer: Advancer
  readonly #keepAlive: KeepAlive
  readonly #health = new MirrorHealth()
  readonly #stop = new AbortController()
  #isLost = false
  /** The floor may be ahead of the disk; what serves never is. */
  #state: MirrorState = {}
  #isSaved = true
  /** The record at the floor; it may have expired. */
  #record: IpnsRecord | undefined
  #dhtAskedAt: number | undefined
  #leave: (() => void) | undefined
  #polling: Promise<void> | undefined
  /** Records are looked at one after the other. */
  #lane: Promise<void> = Promise.resolve()
  /** The record that is looked at next. */
  #waiting: FoundRecord | undefined
  #saves: Promise<void> = Promise.resolve()

  /** @param name `k51…` */
  constructor(name: string, components: MirrorComponents, options: MirrorOptions = {}) {
    this.name = name
    this.#name = ipnsName(name)
    this.#components = components
    this.#clock = components.clock ?? systemClock
    this.#pollEvery = options.pollEvery ?? 30 * SECOND
    const { advance, exchange, log } = components
    const clock = this.#clock
    const every = options.keepAliveEvery ?? 12 * HOUR
    this.#keepAlive = new KeepAlive(this.#name, { exchange, log, clock, every })
    this.#advancer = new Advancer({
      advance,
      log,
      clock,
      current: () => this.root(),
      arrived: (target) => this.#arrive(target),
    })
  }

  root(): CID | undefined {
    return this.#state.current?.root
  }

  isLost(): boolean {
    return this.#isLost
  }

  status(): MirrorStatus {
    return {
      name: this.name,
      root: this.root()?.toString(),
      sequence: this.#state.current?.sequence.toString(),
      resolvedAt: this.#health.confirmedAt,
      state: this.#health.condition(this.#facts()),
      error: this.#health.refusal ?? this.#advancer.state().error,
    }
  }

  staleSince(): number | undefined {
    return this.#health.staleSince(this.#facts())
  }

  async start(): Promise<void> {
    const { state: map, exchange } = this.#components
    this.#health.start(this.#clock.now())
    try {
      this.#state = await loadMirrorState(map, this.name)
    } catch (error) {
      // One mirror that cannot go on must not keep the registry from starting. Without its floor it follows nothing.
      this.#isLost = true
      this.#refuse(`what is remembered of this mirror cannot be read: ${messageOf(error)}`)
      return
    }
    const { floor, current } = this.#state
    if (floor !== undefined) {
      await this.#recall(floor.record)
      if (current?.sequence !== floor.sequence) this.#advancer.aim({ ...floor, providers: [] })
    }
    this.#advancer.start()
    this.#leave = exchange.subscribe(this.#name, (found) => this.#offer(found))
    this.#polling = this.#poll(this.#stop.signal)
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the node stops'))
    this.#leave?.()
    await Promise.all([this.#advancer.stop(), this.#keepAlive.stop(), this.#polling])
    await this.#lane
    await this.#saves
  }

  #facts(): MirrorFacts {
    const { target, failingSince } = this.#advancer.state()
    return {
      now: this.#clock.now(),
      hasRoot: this.root() !== undefined,
      isMoving: target !== undefined,
      validUntil: this.#state.floor?.validUntil,
      failingSince,
      patience: Math.max(this.#pollEvery, this.#dhtPause()),
    }
  }

  /** Goes on with the record of the life before. */
  async #recall(base64: string): Promise<void> {
    const { exchange, keychain } = this.#components
    const record = await tryReadRecord(this.#name, Buffer.from(base64, 'base64'), keychain)
    if (record === undefined) return
    this.#follow(record)
    try {
      await exchange.hold(this.#name, record)
    } catch (error) {
      // The disk, say: whoever asks is answered all the same, in this life of the process.
      this.#components.log.warn({ name: this.name, err: error }, 'a record could not be kept')
    }
  }

  async #poll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#ask(signal)
        if (!this.#isSaved) await this.#save({})
        await this.#keepAlive.tell()
      } catch (error) {
        // The next round may have more luck; the root that serves is not touched by any of this.
        if (!signal.aborted)
          this.#components.log.debug(
            { name: this.name, err: error },
            'a mirror could not be polled',
          )
      }
      this.#health.asked(this.#clock.now())
      await this.#clock.sleep(this.#pollEvery, signal).catch(() => undefined) // stopping: the loop ends
    }
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { exchange } = this.#components
    // Whoever can be reached where the record says is asked when it is connected, and holds nobody up until then.
    this.#dial(this.#record?.addresses ?? [], [])
    const offer = (found: FoundRecord): void => this.#offer(found)
    await Promise.all([exchange.askPeers(this.#name, offer, signal), this.#askDht(signal)])
    await this.#lane
  }

  /** The DHT is slow to ask, so its answer counts for as long as the publisher says, within our bounds. */
  async #askDht(signal: AbortSignal): Promise<void> {
    const { exchange, log } = this.#components
    const now = this.#clock.now()
    if (!exchange.hasDht || !isDue(this.#dhtAskedAt, this.#dhtPause(), now)) return
    this.#dhtAskedAt = now
    try {
      const record = await exchange.askDht(this.#name, signal)
      if (record !== undefined) this.#offer({ record, from: undefined })
      await this.#lane
      this.#keepAlive.mend(record)
    } catch (error) {
      log.debug({ name: this.name, err: error }, 'the DHT could not be asked for a record')
    }
  }

  #dhtPause(): number {
    return Math.max(MINUTE, this.#record?.ttl ?? 0)
  }

  /** Of records that come faster than they are looked at, only the newest waits: an owner may sign without end. */
  #offer(found: FoundRecord): void {
    const waiting = this.#waiting
    if (waiting !== undefined) {
      if (isNewer(found.record, waiting.record)) this.#waiting = found
      return
    }
    this.#waiting = found
    this.#lane = this.#lane
      .then(() => {
        const next = this.#waiting
        this.#waiting = undefined
        return next === undefined || this.#stop.signal.aborted ? undefined : this.#take(next)
      })
      .catch((error: unknown) => {
        // The disk, say. The next poll tries again.
        this.#components.log.warn({ name: this.name, err: error }, 'a record could not be kept')
      })
  }

  async #take({ record, from }: FoundRecord): Promise<void> {
    const now = this.#clock.now()
    const { floor } = this.#state
    const ruling = ruleOn(record, floor, now)
    if (ruling.kind === 'older') return
    if (ruling.kind === 'refused') return this.#refuse(ruling.reason)
    this.#health.confirm(now)
    const providers = providersOf(record, from)
    if (ruling.kind === 'same') {
      this.#advancer.retry(providers)
      const isLonger = this.#record === undefined || record.validUntil > (floor?.validUntil ?? 0)
      if (isLonger && !lastsTooLong(record, now)) await this.#raise(record, ruling.root)
      return
    }
    this.#health.forgive()
    const raised = this.#raise(record, ruling.root)
    this.#advancer.aim({ root: ruling.root, sequence: record.sequence, providers })
    this.#dial(record.addresses, providers)
    await raised
  }

  /** Makes a record the floor: nothing before it is taken again. It is on disk before its root serves. */
  async #raise(record: IpnsRecord, root: CID): Promise<void> {
    const { sequence, validUntil, bytes } = record
    const floor = { sequence, root, validUntil, record: Buffer.from(bytes).toString('base64') }
    this.#state = { ...this.#state, floor }
    this.#isSaved = false
    this.#follow(record)
    const held = this.#components.exchange.hold(this.#name, record)
    await Promise.all([this.#save({}), held])
  }

  #follow(record: IpnsRecord): void {
    this.#record = record
    this.#keepAlive.keep(record)
  }

  async #arrive({ root, sequence }: Target): Promise<void> {
    await this.#save({ current: { root, sequence } })
    this.#components.log.info(
      { name: this.name, root: root.toString() },
      'mirror moved to a new root',
    )
    this.#components.onRoot?.(root)
  }

  #dial(addresses: readonly string[], providers: readonly string[]): void {
    if (addresses.length === 0) return
    const { dial, log } = this.#components
    dial(addresses, { signal: this.#stop.signal }).then(
      (connected) => (connected ? this.#advancer.retry(providers) : undefined),
      (error: unknown) =>
        log.debug({ name: this.name, err: error }, 'the owner of a mirror could not be dialled'),
    )
  }

  #refuse(reason: string): void {
    if (this.#health.refuse(reason, this.#clock.now()))
      this.#components.log.warn({ name: this.name }, reason)
  }

  /** Writes the state with this change, which counts only once it is on disk. One save follows the other. */
  #save(change: MirrorState): Promise<void> {
    const saved = this.#saves.then(async () => {
      const state = { ...this.#state, ...change }
      await saveMirrorState(this.#components.state, this.name, state)
      this.#isSaved = state.floor === this.#state.floor
      this.#state = { ...this.#state, ...change }
    })
    this.#saves = saved.catch(() => undefined) // its caller has the error
    return saved
  }
}

function isNewer(a: IpnsRecord, b: IpnsRecord): boolean {
  if (a.sequence !== b.sequence) return a.sequence > b.sequence
  return a.validUntil > b.validUntil
}

/** Who is likely to have what a record names: who gave it to us, and who signed it, as far as it says. */
function providersOf(record: IpnsRecord, from: string | undefined): string[] {
  const signers = record.addresses.flatMap(
    (address) => /\/p2p\/([a-zA-Z0-9]+)$/.exec(address)?.[1] ?? [],
  )
  return [...new Set([...(from === undefined ? [] : [from]), ...signers])].slice(0, MAX_PROVIDERS)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
