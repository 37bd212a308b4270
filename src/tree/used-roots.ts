import { DAG_PB, cidFromHash } from '../blocks/cids.ts'
import type { CID } from 'multiformats/cid'

/** Roots that are remembered, at some 100 bytes of memory each: those of 138 commits a second for an hour. */
const MAX_ROOTS = 500_000

/** How roots are remembered. */
export interface UsedRootsOptions {
  /** How long a root stays after it was used, in ms. */
  readonly lease: number
  /** Roots that are remembered. */
  readonly max?: number | undefined
  /** Milliseconds that never go back. */
  readonly now?: (() => number) | undefined
}

/**
 * The roots that requests read from: what is under one stays for a while after it was last looked at, though the tree has
 * moved on and its history is trimmed. When there are more of them than are remembered, nobody knows what is still read,
 * and {@link list} says so until the lease of the last one that found no place is over.
 */
export class UsedRoots {
  readonly #lease: number
  readonly #max: number
  readonly #now: () => number
  /** When each was used last, by its hash, a byte a letter; the oldest first. */
  readonly #uses = new Map<string, number>()
  /** When one that is not remembered was used last. */
  #missedAt = -Infinity

  constructor({ lease, max = MAX_ROOTS, now = () => performance.now() }: UsedRootsOptions) {
    this.#lease = lease
    this.#max = max
    this.#now = now
  }

  /** How many are remembered. */
  get size(): number {
    return this.#uses.size
  }

  /** Notes that somebody reads under a root. @returns whether that is new */
  note(cid: CID): boolean {
    const key = keyOf(cid)
    const now = this.#now()
    const isNew = !this.#uses.delete(key)
    if (isNew) this.#forgetOld(now)
    if (this.#uses.size < this.#max) this.#uses.set(key, now)
    else this.#missedAt = now
    return isNew
  }

  /** It turned out that nothing is read there. */
  forget(cid: CID): void {
    this.#uses.delete(keyOf(cid))
  }

  /**
   * Those that were used in the time of a lease.
   *
   * @throws an error when there were more than are remembered
   */
  list(): CID[] {
    const now = this.#now()
    if (this.#missedAt > now - this.#lease)
      throw new Error(
        `more than ${this.#max} states of the registry were read from in the last ` +
          `${this.#lease / 1000} s (retention.lease), and it is not known which. It can be tried again when that is over`,
      )
    this.#forgetOld(now)
    return Array.from(this.#uses.keys(), (key) => cidFromHash(DAG_PB, Buffer.from(key, 'latin1')))
  }

  #forgetOld(now: number): void {
    for (const [key, at] of this.#uses) {
      if (at > now - this.#lease) return
      this.#uses.delete(key)
    }
  }
}

/** A CID would keep its text in memory beside its bytes. */
function keyOf({ multihash: { digest } }: CID): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('latin1')
}
