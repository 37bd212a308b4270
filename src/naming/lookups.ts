import { SECOND, within } from './clock.ts'
import { InvalidRecordError, readRecord } from './record.ts'
import type { Keychain } from '@ipshipyard/keychain'
import type { Clock } from './clock.ts'
import type { IpnsName } from './name.ts'
import type { Log, RecordNetwork } from './ports.ts'
import type { IpnsRecord } from './record.ts'

/** How long one peer may take over a lookup; we are connected to it already. Milliseconds. */
const LOOKUP_TIMEOUT = 2.5 * SECOND
const DHT_TIMEOUT = 30 * SECOND
/** Peers asked for one name at once, and in all: subscribers first. */
const LOOKUPS_AT_ONCE = 8
const MAX_LOOKUPS = 48
/** Peers that came and are to be asked soon; those beyond are asked by the next poll. */
const MAX_WAITING = 512

/** A record and who gave it to us. */
export interface FoundRecord {
  readonly record: IpnsRecord
  /** A peer id; `undefined` when nobody in particular did: the DHT, or our own disk. */
  readonly from: string | undefined
}

export type Listener = (found: FoundRecord) => void

interface LookupComponents {
  readonly network: RecordNetwork
  readonly keychain: Keychain
  readonly clock: Clock
  readonly log: Log
  /** Ends every lookup. */
  readonly signal: AbortSignal
}

/** Questions to others: who has a record of this name? No peer's failure is ours: who cannot be asked has nothing. */
export class Lookups {
  readonly #components: LookupComponents
  readonly #waiting: Array<() => Promise<void>> = []
  #running = 0

  constructor(components: LookupComponents) {
    this.#components = components
  }

  /**
   * Asks everybody who may know, and gives each answer as it comes: a peer that hangs holds nobody else's up. Resolves
   * when all have answered, or will not.
   */
  async askPeers(name: IpnsName, onFound: Listener, signal?: AbortSignal): Promise<void> {
    const { network } = this.#components
    const subscribers = network.subscribers(name.topic)
    const known = new Set(subscribers)
    const others = network.peers().filter((peer) => !known.has(peer))
    const queue = [...subscribers, ...others].slice(0, MAX_LOOKUPS)
    const worker = async (): Promise<void> => {
      for (let peer = queue.shift(); peer !== undefined; peer = queue.shift())
        await this.ask(name, peer, onFound, signal)
    }
    await Promise.all(Array.from({ length: LOOKUPS_AT_ONCE }, worker))
    signal?.throwIfAborted()
  }

  /** Asks a peer when it is its turn: many may come at once. */
  askSoon(name: IpnsName, peer: string, onFound: Listener): void {
    if (this.#waiting.length >= MAX_WAITING) return
    this.#waiting.push(() => this.ask(name, peer, onFound))
    if (this.#running < LOOKUPS_AT_ONCE) void this.#work()
  }

  async #work(): Promise<void> {
    this.#running++
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      await next()
    this.#running--
  }

  async ask(name: IpnsName, peer: string, onFound: Listener, signal?: AbortSignal): Promise<void> {
    const { network, clock, log } = this.#components
    const limit = { clock, milliseconds: LOOKUP_TIMEOUT, signal: this.#either(signal) }
    try {
      const bytes = await within(limit, (until) => network.lookup(peer, name.routingKey, until))
      const record = bytes === undefined ? undefined : await this.read(name, bytes)
      if (record !== undefined) onFound({ record, from: peer })
    } catch (error) {
      log.debug({ peer, name: name.text, err: error }, 'a peer could not be asked for a record')
    }
  }

  /** The DHT's newest record; `undefined` when it has none. @throws when it cannot be asked now */
  async askDht(name: IpnsName, signal?: AbortSignal): Promise<IpnsRecord | undefined> {
    const { network, clock } = this.#components
    if (!network.hasDht) return undefined
    const limit = { clock, milliseconds: DHT_TIMEOUT, signal: this.#either(signal) }
    const bytes = await within(limit, (until) => network.dhtGet(name.routingKey, until))
    return bytes === undefined ? undefined : this.read(name, bytes)
  }

  /** A record, `undefined` when it is not one of that name. */
  async read(name: IpnsName, bytes: Uint8Array): Promise<IpnsRecord | undefined> {
    try {
      return await readRecord(name, bytes, this.#components.keychain)
    } catch (error) {
      if (!(error instanceof InvalidRecordError)) throw error
      this.#components.log.debug({ name: name.text, err: error }, 'a record was refused')
      return undefined
    }
  }

  #either(signal: AbortSignal | undefined): AbortSignal {
    const { signal: ours } = this.#components
    return signal === undefined ? ours : AbortSignal.any([ours, signal])
  }
}
