import type { CID } from 'multiformats/cid'

/**
 * The roots that requests read from: what is under one stays for a while after it was last looked at, though the tree has
 * moved on and its history is trimmed.
 */
export class UsedRoots {
  readonly #now: () => number
  /** When each was used last, the oldest first. */
  readonly #uses = new Map<string, { cid: CID; at: number }>()

  /** @param now milliseconds that never go back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Notes that somebody reads under a root. @returns whether that is new */
  note(cid: CID): boolean {
    const key = cid.toString() // a CID remembers its text
    const known = this.#uses.get(key)
    if (known === undefined) this.#uses.set(key, { cid, at: this.#now() })
    else known.at = this.#now()
    return known === undefined
  }

  /** It turned out that nothing is read there. */
  forget(cid: CID): void {
    this.#uses.delete(cid.toString())
  }

  /** Those that were used in the last so many milliseconds; the others are forgotten. */
  within(milliseconds: number): CID[] {
    const since = this.#now() - milliseconds
    for (const [key, { at }] of this.#uses) if (at <= since) this.#uses.delete(key)
    return [...this.#uses.values()].map(({ cid }) => cid)
  }
}
