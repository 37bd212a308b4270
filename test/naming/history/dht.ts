import type { SeededRandom } from '../../faults/random.ts'
import type { SimTime } from './time.ts'

/** Records that are remembered for replays. */
const MAX_RECORDS = 64

/** A DHT that is slow, fails often, and sometimes answers with what it held long ago. */
export class SimDht {
  readonly #time: SimTime
  readonly #random: SeededRandom
  readonly #records: Uint8Array[] = []
  /** How it picks what it answers with; `undefined` when it has nothing. */
  choose: (records: readonly Uint8Array[]) => Uint8Array | undefined = (records) => records.at(-1)
  isHonest = true

  constructor(time: SimTime, random: SeededRandom) {
    this.#time = time
    this.#random = random
  }

  async put(record: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#travel(signal)
    this.plant(record)
  }

  async get(signal: AbortSignal): Promise<Uint8Array | undefined> {
    await this.#travel(signal)
    if (!this.isHonest && this.#random.next() < 0.5) return this.#random.pick(this.#records)
    return this.choose(this.#records)
  }

  /** Somebody left this here. */
  plant(record: Uint8Array): void {
    this.#records.push(record)
    if (this.#records.length > MAX_RECORDS) this.#records.shift()
  }

  #travel(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const isLost = !this.isHonest && this.#random.next() < 0.3
    const onAbort = (): void => {
      cancel()
      reject(signal.reason as Error)
    }
    const cancel = this.#time.after(this.#random.between(50, 20_000), () => {
      signal.removeEventListener('abort', onAbort)
      if (isLost) reject(new Error('no peers in the routing table'))
      else resolve()
    })
    signal.addEventListener('abort', onAbort, { once: true })
    return promise
  }
}
