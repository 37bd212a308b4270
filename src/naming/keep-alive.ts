import { HOUR, MINUTE, isDue } from './clock.ts'
import { DhtKeeper } from './dht-keeper.ts'
import { hasExpired } from './record.ts'
import type { Clock } from './clock.ts'
import type { IpnsName } from './name.ts'
import type { Log } from './ports.ts'
import type { RecordExchange } from './record-exchange.ts'
import type { IpnsRecord } from './record.ts'

/** An owner who lives brings its record to the DHT by itself, within this. Milliseconds. */
const OWNER_TIME = 10 * MINUTE
/** How often a DHT that is behind is told, at most. Milliseconds. */
const MEND_EVERY = HOUR

/** Tells somebody else's record again, so that the name outlives its owner's absence. It is signed, so anybody may. */
export class KeepAlive {
  readonly #name: IpnsName
  readonly #exchange: RecordExchange
  readonly #clock: Clock
  readonly #every: number
  readonly #dht: DhtKeeper
  #record: IpnsRecord | undefined
  #knownSince = 0
  #toldAt: number | undefined
  #mendedAt: number | undefined

  /** @param components.every how often the record is told again, in ms */
  constructor(
    name: IpnsName,
    components: { exchange: RecordExchange; clock: Clock; log: Log; every: number },
  ) {
    this.#name = name
    this.#exchange = components.exchange
    this.#clock = components.clock
    this.#every = components.every
    this.#dht = new DhtKeeper(name, components)
  }

  /** Makes this the record to keep alive. */
  keep(record: IpnsRecord): void {
    if (record.sequence !== this.#record?.sequence) this.#knownSince = this.#clock.now()
    this.#record = record
  }

  /** Tells the record again, if it is time. */
  async tell(): Promise<void> {
    const now = this.#clock.now()
    const record = this.#good(now)
    if (record === undefined || !isDue(this.#toldAt, this.#every, now)) return
    this.#toldAt = now
    await this.#exchange.tell(this.#name, record)
    this.#dht.put(record)
  }

  /** The DHT holds this record of the name, or none: ours is put there when its owner has not done so in time. */
  mend(theirs: IpnsRecord | undefined): void {
    const now = this.#clock.now()
    const record = this.#good(now)
    if (record === undefined || (theirs !== undefined && theirs.sequence >= record.sequence)) return
    if (!isDue(this.#knownSince, OWNER_TIME, now) || !isDue(this.#mendedAt, MEND_EVERY, now)) return
    this.#mendedAt = now
    this.#dht.put(record)
  }

  stop(): Promise<void> {
    return this.#dht.stop()
  }

  #good(now: number): IpnsRecord | undefined {
    return this.#record === undefined || hasExpired(this.#record, now) ? undefined : this.#record
  }
}
