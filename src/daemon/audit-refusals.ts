import { addressKey, siteKey } from '../oci/address-key.ts'
import type { AuditEntry, Refusal } from '../api/audit.ts'

/**
 * A minute, in ms, and how many refusals of a kind are told one by one in it: of one address (of IPv6, a /64), of all that
 * one site has (of IPv6, a /48), and of all.
 */
const WINDOW_MS = 60_000
const OF_ONE = 100
const OF_SITE = 300
const OF_ALL = 1000

/** What has a bound of its own, so that no flood of what costs nothing hides the rest: least of all that somebody guesses. */
const KINDS = ['guess', 'login-failed', 'denied', 'rate-limited'] as const

/** `guess`: a `login-failed` for which a password was found wrong. */
export type RefusalKind = (typeof KINDS)[number]

const REFUSALS: ReadonlySet<string> = new Set<Refusal>(['login-failed', 'denied', 'rate-limited'])

/** Keeps a flood of refused requests from filling the disk, and from pushing out what was refused before. */
export class Refusals {
  readonly #now: () => number
  readonly #bounds = new Map(KINDS.map((kind) => [kind, new RefusalBound()]))
  #began: number

  /** @param now a clock, in ms, that does not jump */
  constructor(now: () => number) {
    this.#now = now
    this.#began = now()
  }

  /** `undefined`: it is no refusal. */
  kindOf({ action, isGuess }: AuditEntry): RefusalKind | undefined {
    if (!isRefusal(action)) return undefined
    return action === 'login-failed' && isGuess === true ? 'guess' : action
  }

  /** Whether a refusal gets a line of its own. */
  admits(kind: RefusalKind, address: string): boolean {
    return this.#bounds.get(kind)?.admits(address) === true
  }

  /** Ends the minute, if it is over (or `now`). @returns how many refusals got no line in it, of those kinds that had some */
  omitted({ now = false }: { now?: boolean } = {}): { kind: RefusalKind; count: number }[] {
    if (!now && this.#now() - this.#began < WINDOW_MS) return []
    this.#began = this.#now()
    const counts = Array.from(this.#bounds, ([kind, bound]) => ({ kind, count: bound.end() }))
    return counts.filter(({ count }) => count > 0)
  }
}

function isRefusal(action: AuditEntry['action']): action is Refusal {
  return REFUSALS.has(action)
}

/** Remembers only addresses that were let through, so at most as many as lines. */
class RefusalBound {
  readonly #addresses = new Map<string, number>()
  readonly #sites = new Map<string, number>()
  #all = 0
  #omitted = 0

  admits(address: string): boolean {
    const [key, site] = [addressKey(address), siteKey(address)]
    const ofOne = this.#addresses.get(key) ?? 0
    const ofSite = this.#sites.get(site) ?? 0
    if (ofOne >= OF_ONE || ofSite >= OF_SITE || this.#all >= OF_ALL) {
      this.#omitted++
      return false
    }
    this.#addresses.set(key, ofOne + 1)
    this.#sites.set(site, ofSite + 1)
    this.#all++
    return true
  }

  /** @returns how many were not let through */
  end(): number {
    const omitted = this.#omitted
    this.#addresses.clear()
    this.#sites.clear()
    this.#all = 0
    this.#omitted = 0
    return omitted
  }
}
