import { HOUR, SECOND, backOff } from './clock.ts'
import { Waker } from './waker.ts'
import type { Clock } from './clock.ts'
import type { Log } from './ports.ts'
import type { IpnsName } from './name.ts'
import type { RecordExchange } from './record-exchange.ts'
import type { IpnsRecord } from './record.ts'

/**
 * Brings the newest record of a name to the DHT, in the background: a put there takes half a minute and often fails.
 * Does nothing where there is no DHT.
 */
export class DhtKeeper {
  readonly #name: IpnsName
  readonly #exchange: RecordExchange
  readonly #log: Log
  readonly #waker: Waker
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  #next: IpnsRecord | undefined
  /** Why the newest record is not in the DHT yet. */
  error: string | undefined

  constructor(name: IpnsName, components: { exchange: RecordExchange; clock: Clock; log: Log }) {
    this.#name = name
    this.#exchange = components.exchange
    this.#log = components.log
    this.#waker = new Waker(components.clock)
    this.#running = components.exchange.hasDht ? this.#run() : Promise.resolve()
  }

  put(record: IpnsRecord): void {
    this.#next = record
    this.#waker.wake()
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the node stops'))
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    for (let failures = 0; !signal.aborted;) {
      failures = (await this.#step(signal)) ? 0 : failures + 1
      const due = failures === 0 ? HOUR : backOff(failures, 10 * SECOND, HOUR)
      await this.#waker.sleep(due, signal).catch(() => undefined) // stopping: the loop ends
    }
  }

  async #step(signal: AbortSignal): Promise<boolean> {
    const record = this.#next
    if (record === undefined) return true
    try {
      await this.#exchange.putInDht(this.#name, record, signal)
      if (this.#next === record) this.#next = undefined
      this.error = undefined
      return true
    } catch (error) {
      // Whatever the reason, the remedy is to try again.
      this.error = `the DHT does not have the record yet: ${error instanceof Error ? error.message : String(error)}`
      this.#log.debug(
        { name: this.#name.text, err: error },
        'a record could not be brought to the DHT',
      )
      return false
    }
  }
}
