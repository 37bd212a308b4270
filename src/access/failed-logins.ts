import { addressKey, siteKey } from '../oci/address-key.ts'
import { RegistryError } from '../oci/errors.ts'
import { ExpiringCounts } from './expiring-counts.ts'

/** Wrong passwords of one address in a minute, before it has to wait, whatever name it comes with. */
const OF_ADDRESS = 10
const ADDRESS_MS = 60_000

/**
 * Wrong passwords for one name in ten minutes, from wherever, before it is under guard: then an address that has guessed it
 * wrong has to wait, and so does an IPv6 /48 of which so many addresses have. Whoever has not guessed may still try.
 */
const OF_NAME = 20
const OF_SITE = 16
const NAME_MS = 600_000

/** Keys that are remembered of each. What is counted costs a bcrypt, so it takes minutes to push one out. */
const MOST_ADDRESSES = 10_000
const MOST_NAMES = 10_000
const MOST_PAIRS = 20_000

/**
 * Who guessed wrong lately. Names are counted whether anybody is called so or not, so none of it tells who there is; and
 * nobody is kept out by what strangers do, as long as he comes from somewhere else than they.
 */
export class FailedLogins {
  readonly #addresses: ExpiringCounts
  readonly #names: ExpiringCounts
  readonly #nameAndAddress: ExpiringCounts
  readonly #nameAndSite: ExpiringCounts

  /** @param now milliseconds that only go forward */
  constructor(now: () => number) {
    this.#addresses = new ExpiringCounts({ now, windowMs: ADDRESS_MS, most: MOST_ADDRESSES })
    this.#names = new ExpiringCounts({ now, windowMs: NAME_MS, most: MOST_NAMES })
    this.#nameAndAddress = new ExpiringCounts({ now, windowMs: NAME_MS, most: MOST_PAIRS })
    this.#nameAndSite = new ExpiringCounts({ now, windowMs: NAME_MS, most: MOST_PAIRS })
  }

  /** @throws RegistryError TOOMANYREQUESTS, with Retry-After, for an address that guessed wrong too often */
  checkAddress(address: string): void {
    const left = this.#addresses.reached(addressKey(address), OF_ADDRESS)
    if (left !== undefined) throw tooMany('too many wrong passwords came from this address', left)
  }

  /** @throws RegistryError TOOMANYREQUESTS, with Retry-After, for an address that may not try that name now */
  check(address: string, name: string): void {
    this.checkAddress(address)
    const guarded = this.#names.reached(name, OF_NAME)
    if (guarded === undefined) return
    const guessed =
      this.#nameAndAddress.reached(pair(name, addressKey(address)), 1) ??
      this.#nameAndSite.reached(pair(name, siteKey(address)), OF_SITE)
    if (guessed !== undefined)
      throw tooMany('too many wrong passwords came for this name', Math.min(guarded, guessed))
  }

  note(address: string, name: string): void {
    this.#addresses.add(addressKey(address))
    this.#names.add(name)
    const before = this.#nameAndAddress.reached(pair(name, addressKey(address)), 1)
    this.#nameAndAddress.add(pair(name, addressKey(address)))
    if (before === undefined && siteKey(address) !== addressKey(address))
      this.#nameAndSite.add(pair(name, siteKey(address)))
  }
}

/** No name has a space in it. */
function pair(name: string, place: string): string {
  return `${name} ${place}`
}

function tooMany(message: string, leftMs: number): RegistryError {
  const seconds = Math.max(1, Math.ceil(leftMs / 1000))
  return new RegistryError('TOOMANYREQUESTS', {
    message,
    headers: { 'Retry-After': String(seconds) },
  })
}
