import { RegistryError } from '../oci/errors.ts'
import { addressKey } from '../oci/address-key.ts'
import { AddressRanges } from './address-ranges.ts'
import { LimitTable } from './limit-table.ts'
import { OpenUploads } from './open-uploads.ts'
import { Pace, Throttle } from './pace.ts'
import { TokenBucket } from './token-bucket.ts'
import type { AddressRange } from './address-ranges.ts'
import type { Client } from './client.ts'

/** What one client may use up; `null` is no limit. */
export interface Share {
  /** A second, in the long run. */
  readonly requests: number | null
  /** At once. */
  readonly burst: number
  readonly openUploads: number | null
  /** Bytes a second. */
  readonly downloadRate: number | null
  /** Bytes a second. */
  readonly uploadRate: number | null
}

/** The limits of all clients. */
export interface ClientLimitsInit {
  /** Addresses that `address` is not for. */
  readonly exempt: readonly AddressRange[]
  readonly address: Share
  readonly user: Share
  /** The clock, in ms. */
  readonly now?: () => number
}

/** What one client is using. */
interface Usage {
  readonly requests: TokenBucket | undefined
  readonly openUploads: OpenUploads | undefined
  readonly download: Pace | undefined
  readonly upload: Pace | undefined
}

/** What each client, by address or by user, may use and uses. */
export class ClientLimits {
  readonly #exempt: AddressRanges
  readonly #addresses: Shares
  readonly #users: Shares
  readonly now: () => number

  constructor({ exempt, address, user, now = () => performance.now() }: ClientLimitsInit) {
    this.#exempt = new AddressRanges(exempt)
    this.#addresses = new Shares(address, now)
    this.#users = new Shares(user, now)
    this.now = now
  }

  /** Clients that are remembered. */
  get remembered(): number {
    return this.#addresses.size + this.#users.size
  }

  /** What the sender of one request may use. */
  allowance({ address }: Client): Allowance {
    return new Allowance(this, address)
  }

  /** What counts against an address in one respect; it is not looked up when nothing is limited in it. */
  ofAddress<K extends keyof Usage>(what: K, address: string): Usage[K] | undefined {
    if (!this.#addresses.limits(what) || this.#exempt.has(address)) return undefined
    return this.#addresses.of(addressKey(address))[what]
  }

  /** The same for a user. */
  ofUser<K extends keyof Usage>(what: K, user: string | undefined): Usage[K] | undefined {
    if (user === undefined || !this.#users.limits(what)) return undefined
    return this.#users.of(user)[what]
  }
}

/** The usages of all clients of one kind. */
class Shares {
  readonly #limited: Readonly<Record<keyof Usage, boolean>>
  readonly #table: LimitTable<Usage>

  constructor(share: Share, now: () => number) {
    const { requests, burst, openUploads, downloadRate, uploadRate } = share
    this.#limited = {
      requests: requests !== null,
      openUploads: openUploads !== null,
      download: downloadRate !== null,
      upload: uploadRate !== null,
    }
    this.#table = new LimitTable(() => ({
      requests:
        requests === null ? undefined : new TokenBucket({ perSecond: requests, burst }, now()),
      openUploads: openUploads === null ? undefined : new OpenUploads(openUploads, now),
      download: downloadRate === null ? undefined : new Pace(downloadRate),
      upload: uploadRate === null ? undefined : new Pace(uploadRate),
    }))
  }

  get size(): number {
    return this.#table.size
  }

  limits(what: keyof Usage): boolean {
    return this.#limited[what]
  }

  of(key: string): Usage {
    return this.#table.of(key)
  }
}

/** What the sender of one request may use: as an address, and, once he is known, as a user. */
export class Allowance {
  readonly #limits: ClientLimits
  readonly #address: string
  #user: string | undefined

  constructor(limits: ClientLimits, address: string) {
    this.#limits = limits
    this.#address = address
  }

  /**
   * Counts the request against its address. Asked before anybody looks at credentials, which may be dear.
   *
   * @throws RegistryError TOOMANYREQUESTS
   */
  admit(): void {
    takeOne(this.#limits.ofAddress('requests', this.#address), this.#limits.now)
  }

  /** Counts the request against its user as well. @throws RegistryError TOOMANYREQUESTS */
  identified(user: string | undefined): void {
    this.#user = user
    takeOne(this.#limits.ofUser('requests', user), this.#limits.now)
  }

  get openUploads(): readonly OpenUploads[] {
    return this.#both('openUploads')
  }

  /** The rates that a body of ours must keep; `undefined`: none. */
  get downloads(): Throttle | undefined {
    return this.#throttle('download')
  }

  /** The rates that a body of his must keep; `undefined`: none. */
  get uploads(): Throttle | undefined {
    return this.#throttle('upload')
  }

  #throttle(what: 'download' | 'upload'): Throttle | undefined {
    const paces = this.#both(what)
    return paces.length === 0 ? undefined : new Throttle(paces, this.#limits.now)
  }

  #both<K extends keyof Usage>(what: K): NonNullable<Usage[K]>[] {
    const [address, user] = [
      this.#limits.ofAddress(what, this.#address),
      this.#limits.ofUser(what, this.#user),
    ]
    return [address, user].filter((used) => used !== undefined)
  }
}

function takeOne(bucket: TokenBucket | undefined, now: () => number): void {
  const seconds = bucket?.take(now())
  if (seconds === undefined) return
  throw new RegistryError('TOOMANYREQUESTS', {
    headers: { 'Retry-After': String(Math.ceil(seconds)) },
  })
}
