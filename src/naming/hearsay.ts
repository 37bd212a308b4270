import { MINUTE, isDue, within } from './clock.ts'
import type { Clock } from './clock.ts'
import type { FoundRecord } from './lookups.ts'
import type { IpnsName } from './name.ts'
import type { Log } from './ports.ts'
import type { RecordExchange } from './record-exchange.ts'
import type { IpnsRecord } from './record.ts'

/** How often others are asked what they know, besides what they tell. Milliseconds. */
const ASK_EVERY = 5 * MINUTE

/**
 * What others hold under our own name. It may be another writer's, or of a later life of the key, and it may come at
 * any time: from whoever connects, announces, or is asked.
 */
export class Hearsay {
  readonly #name: IpnsName
  readonly #exchange: RecordExchange
  readonly #clock: Clock
  readonly #log: Log
  readonly #onNews: () => void
  #leave: (() => void) | undefined
  #newest: IpnsRecord | undefined
  #askedAt: number | undefined

  /** @param onNews called when there is something to look at */
  constructor(
    name: IpnsName,
    components: { exchange: RecordExchange; clock: Clock; log: Log },
    onNews: () => void,
  ) {
    this.#name = name
    this.#exchange = components.exchange
    this.#clock = components.clock
    this.#log = components.log
    this.#onNews = onNews
  }

  /** The newest record that was met and not looked at yet; it may have expired. */
  get newest(): IpnsRecord | undefined {
    return this.#newest
  }

  /** This record was looked at. */
  heeded(record: IpnsRecord | undefined): void {
    if (this.#newest === record) this.#newest = undefined
  }

  listen(): void {
    this.#leave ??= this.#exchange.subscribe(this.#name, (found) => this.meet(found))
  }

  stop(): void {
    this.#leave?.()
  }

  meet({ record }: Pick<FoundRecord, 'record'>): void {
    if (this.#newest !== undefined && this.#newest.sequence > record.sequence) return
    this.#newest = record
    this.#onNews()
  }

  /** Waits until somebody is there who can be asked, at most so many milliseconds. @throws the signal's reason */
  async company(milliseconds: number, signal: AbortSignal): Promise<void> {
    const limit = { clock: this.#clock, milliseconds, signal }
    await within(limit, (until) => this.#exchange.company(until)).catch(() =>
      signal.throwIfAborted(),
    ) // nobody came
  }

  /** Asks everybody. @param patience whether to wait for the DHT, too, which takes long */
  async ask(signal: AbortSignal, patience: boolean): Promise<void> {
    this.#askedAt = this.#clock.now()
    const dht = this.#askDht(signal)
    await this.#exchange.askPeers(this.#name, (found) => this.meet(found))
    if (patience) await dht
  }

  /** Asks everybody in the background, if that was not done a short time ago: we may have been cut off from news. */
  askNowAndThen(signal: AbortSignal): void {
    if (isDue(this.#askedAt, ASK_EVERY, this.#clock.now())) void this.ask(signal, false)
  }

  /** That it cannot be asked now is no error. */
  async #askDht(signal: AbortSignal): Promise<void> {
    try {
      const record = await this.#exchange.askDht(this.#name, signal)
      if (record !== undefined) this.meet({ record })
    } catch (error) {
      this.#log.debug({ err: error }, 'the DHT could not be asked for our name')
    }
  }
}
