import { DAY, HOUR, MINUTE, SECOND, systemClock } from './clock.ts'
import { Advancer } from './advancer.ts'
import { DhtKeeper } from './dht-keeper.ts'
import { loadMirrorState, saveMirrorState } from './mirror-state.ts'
import { ipnsName } from './name.ts'
import { InvalidRecordError, readRecord } from './record.ts'
import { ruleOn } from './record-policy.ts'
import type { Keychain } from '@ipshipyard/keychain'
import type { CID } from 'multiformats/cid'
import type { DurableMap } from '../registry/ports.ts'
import type { Advance, Target } from './advancer.ts'
import type { Clock } from './clock.ts'
import type { MirrorState } from './mirror-state.ts'
import type { IpnsName } from './name.ts'
import type { Log } from './ports.ts'
import type { FoundRecord, RecordExchange } from './record-exchange.ts'
import type { IpnsRecord } from './record.ts'

/** When nobody has confirmed the record for this long, the status says so. Milliseconds. */
const STALE_AFTER = DAY
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
  readonly #keepAliveEvery: number
  readonly #advancer: Advancer
  readonly #dht: DhtKeeper
  readonly #stop = new AbortController()
  #state: MirrorState = {}
  /** The record at the floor, while it can be read and has not expired. */
  #record: IpnsRecord | undefined
  #resolvedAt: number | undefined
  #startedAt = 0
  #keptAliveAt: number | undefined
  #dhtAskedAt: number | undefined
  /** Whether anybody who may know has been asked since the start. */
  #hasAsked = false
  /** Why the newest record is not followed. */
  #refusal: string | undefined
  #refusedAt: number | undefined
  #leave: (() => void) | undefined
  #polling: Promise<void> | undefined
  /** Records are looked at one after the other. */
  #lane: Promise<void> = Promise.resolve()
  #saves: Promise<void> = Promise.resolve()

  /** @param name `k51…` */
  constructor(name: string, components: MirrorComponents, options: MirrorOptions = {}) {
    this.name = name
    this.#name = ipnsName(name)
    this.#components = components
    this.#clock = components.clock ?? systemClock
    this.#pollEvery = options.pollEvery ?? 30 * SECOND
    this.#keepAliveEvery = options.keepAliveEvery ?? 12 * HOUR
    const { advance, exchange, log } = components
    const clock = this.#clock
    this.#dht = new DhtKeeper(this.#name, { exchange, log, clock })
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

  status(): MirrorStatus {
    const { target, error } = this.#advancer.state()
    return {
      name: this.name,
      root: this.root()?.toString(),
      sequence: this.#state.current?.sequence.toString(),
      resolvedAt: this.#resolvedAt,
      state: this.#condition(target !== undefined),
      error: this.#refusal ?? error,
    }
  }

  staleSince(): number | undefined {
    const since = [
      this.#refusedAt,
      this.#advancer.state().failingSince,
      this.#expiredAt(),
      this.#unconfirmedSince(),
    ].filter((time) => time !== undefined)
    return since.length === 0 ? undefined : Math.min(...since)
  }

  async start(): Promise<void> {
    const { state: map, keychain, exchange } = this.#components
    this.#startedAt = this.#clock.now()
    try {
      this.#state = await loadMirrorState(map, this.name)
    } catch (error) {
      // One mirror that cannot go on must not keep the registry from starting. Without its floor it follows nothing.
      this.#refusal = `what is remembered of this mirror cannot be read: ${messageOf(error)}`
      this.#refusedAt = this.#startedAt
      this.#components.log.warn({ name: this.name, err: error }, 'a mirror cannot be followed')
      return
    }
    const { floor, current } = this.#state
    if (floor !== undefined) {
      this.#record = await tryRead(this.#name, Buffer.from(floor.record, 'base64'), keychain)
      if (!current?.root.equals(floor.root)) this.#advancer.aim({ ...floor, providers: [] })
    }
    this.#advancer.start()
    this.#leave = exchange.subscribe(this.#name, (found) => this.#offer(found))
    this.#polling = this.#poll(this.#stop.signal)
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the node stops'))
    this.#leave?.()
    await Promise.all([this.#advancer.stop(), this.#dht.stop(), this.#polling])
    await this.#lane
  }

  #condition(moving: boolean): MirrorStatus['state'] {
    if (this.#refusal !== undefined) return 'error'
    if (moving) return 'advancing'
    if (this.root() === undefined) return 'waiting'
    const now = this.#clock.now()
    const expired = (this.#state.floor?.validUntil ?? 0) <= now
    const unheard = now - (this.#resolvedAt ?? this.#startedAt) > STALE_AFTER
    return expired || unheard ? 'stale' : 'current'
  }

  #expiredAt(): number | undefined {
    const { validUntil } = this.#state.floor ?? {}
    return validUntil !== undefined && validUntil <= this.#clock.now() ? validUntil : undefined
  }

  /** After a start the first round tells. Later, one round that brings nothing may be bad luck; two are a sign. */
  #unconfirmedSince(): number | undefined {
    if (this.#resolvedAt === undefined) return this.#hasAsked ? this.#startedAt : undefined
    const rounds = 2 * Math.max(this.#pollEvery, this.#dhtPause())
    return this.#clock.now() - this.#resolvedAt > rounds ? this.#resolvedAt : undefined
  }

  async #poll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#ask(signal)
        await this.#keepAlive()
      } catch (error) {
        // The next round may have more luck; the root that serves is not touched by any of this.
        if (!signal.aborted)
          this.#components.log.debug(
            { name: this.name, err: error },
            'a mirror could not be polled',
          )
      }
      this.#hasAsked = true
      await this.#clock.sleep(this.#pollEvery, signal).catch(() => undefined) // stopping: the loop ends
    }
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { dial, exchange } = this.#components
    const addresses = this.#record?.addresses ?? []
    if (addresses.length > 0) await dial(addresses, { signal })
    const found = await exchange.get(this.#name, { signal, dht: this.#dhtIsDue() })
    for (const each of found) this.#offer(each)
    await this.#lane
  }

  /** The DHT is slow to ask, so its answer counts for as long as the publisher says, within our bounds. */
  #dhtIsDue(): boolean {
    const now = this.#clock.now()
    if (this.#dhtAskedAt !== undefined && now - this.#dhtAskedAt < this.#dhtPause()) return false
    this.#dhtAskedAt = now
    return true
  }

  #dhtPause(): number {
    return Math.max(MINUTE, this.#record?.ttl ?? 0)
  }

  async #keepAlive(): Promise<void> {
    const now = this.#clock.now()
    const record = this.#record
    if (record === undefined || record.validUntil <= now) return
    if (this.#keptAliveAt !== undefined && now - this.#keptAliveAt < this.#keepAliveEvery) return
    this.#keptAliveAt = now
    await this.#components.exchange.put(this.#name, record)
    this.#dht.put(record)
  }

  #offer(found: FoundRecord): void {
    this.#lane = this.#lane
      .then(() => (this.#stop.signal.aborted ? undefined : this.#take(found)))
      .catch((error: unknown) => {
        // The disk, say. The record is not taken then, and the next poll brings it again.
        this.#components.log.warn({ name: this.name, err: error }, 'a record could not be kept')
      })
  }

  async #take({ record, from }: FoundRecord): Promise<void> {
    const ruling = ruleOn(record, this.#state.floor, this.#clock.now())
    if (ruling.kind === 'older') return
    if (ruling.kind === 'refused') return this.#refuse(ruling.reason)
    this.#resolvedAt = this.#clock.now()
    const providers = providersOf(record, from)
    const isLonger = record.validUntil > (this.#state.floor?.validUntil ?? 0)
    if (ruling.kind === 'newer' || isLonger) await this.#raise(record, ruling.root)
    if (ruling.kind === 'same') return this.#advancer.retry(providers)
    this.#refusal = undefined
    this.#refusedAt = undefined
    this.#advancer.aim({ root: ruling.root, sequence: record.sequence, providers })
    if (record.addresses.length > 0) this.#dial(record.addresses, providers)
  }

  /** Makes a record the floor: nothing before it is taken again, in this life of the process or the next. */
  async #raise(record: IpnsRecord, root: CID): Promise<void> {
    const { sequence, validUntil, bytes } = record
    const floor = { sequence, root, validUntil, record: Buffer.from(bytes).toString('base64') }
    await this.#save({ floor })
    this.#record = record
    await this.#components.exchange.hold(this.#name, record)
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
    const { dial, log } = this.#components
    dial(addresses, { signal: this.#stop.signal }).then(
      (connected) => (connected ? this.#advancer.retry(providers) : undefined),
      (error: unknown) =>
        log.debug({ name: this.name, err: error }, 'the owner of a mirror could not be dialled'),
    )
  }

  #refuse(reason: string): void {
    if (this.#refusal !== reason) this.#components.log.warn({ name: this.name }, reason)
    this.#refusal = reason
    this.#refusedAt ??= this.#clock.now()
  }

  /** Changes one half of the state; the other may be changing at the same time, so one save follows the other. */
  #save(change: MirrorState): Promise<void> {
    const saved = this.#saves.then(async () => {
      const state = { ...this.#state, ...change }
      await saveMirrorState(this.#components.state, this.name, state)
      this.#state = state
    })
    this.#saves = saved.catch(() => undefined) // its caller has the error
    return saved
  }
}

/** Who is likely to have what a record names: who gave it to us, and who signed it, as far as it says. */
function providersOf(record: IpnsRecord, from: string | undefined): string[] {
  const signers = record.addresses.flatMap(
    (address) => /\/p2p\/([a-zA-Z0-9]+)$/.exec(address)?.[1] ?? [],
  )
  return [...new Set([...(from === undefined ? [] : [from]), ...signers])].slice(0, MAX_PROVIDERS)
}

async function tryRead(
  name: IpnsName,
  bytes: Uint8Array,
  keychain: Keychain,
): Promise<IpnsRecord | undefined> {
  try {
    return await readRecord(name, bytes, keychain)
  } catch (error) {
    if (error instanceof InvalidRecordError) return undefined // it has expired; its floor and root still count
    throw error
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
