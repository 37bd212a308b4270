import { addressKey } from '../oci/address-key.ts'
import { RegistryError } from '../oci/errors.ts'

/** Wrong passwords of one address in a {@link WINDOW_MS}, before it has to wait. */
const MAX_FAILURES = 10
const WINDOW_MS = 60_000
/** Addresses that are remembered; the longest known go first. */
const MAX_ADDRESSES = 10_000

interface Failures {
  count: number
  /** When they are forgotten. */
  readonly until: number
}

/** Who guessed wrong lately, by address. */
export class FailedLogins {
  readonly #now: () => number
  readonly #failures = new Map<string, Failures>()

  /** @param now milliseconds that only go forward */
  constructor(now: () => number) {
    this.#now = now
  }

  /** @throws RegistryError TOOMANYREQUESTS, with Retry-After, for an address that guessed wrong too often */
  check(address: string): void {
    const failures = this.#of(addressKey(address))
    if (failures === undefined || failures.count < MAX_FAILURES) return
    const seconds = Math.max(1, Math.ceil((failures.until - this.#now()) / 1000))
    throw new RegistryError('TOOMANYREQUESTS', {
      message: 'too many wrong passwords came from this address',
      headers: { 'Retry-After': String(seconds) },
    })
  }

  note(address: string): void {
    const network = addressKey(address)
    const known = this.#of(network)
    if (known !== undefined) {
      known.count++
      return
    }
    this.#failures.set(network, { count: 1, until: this.#now() + WINDOW_MS })
    const [oldest] = this.#failures.keys()
    if (this.#failures.size > MAX_ADDRESSES && oldest !== undefined) this.#failures.delete(oldest)
  }

  #of(network: string): Failures | undefined {
    const failures = this.#failures.get(network)
    if (failures === undefined || failures.until > this.#now()) return failures
    this.#failures.delete(network)
    return undefined
  }
}
