import { keyOf } from '../block-kinds.ts'
import { leaderOf } from './leader.ts'
import { sample } from '../sample.ts'
import type { CID } from 'multiformats/cid'

/** Blocks that are fetched ahead at once: from fellows, and from elsewhere, where everybody is busy. */
const FROM_FELLOWS = 6
const FROM_ELSEWHERE = 3

/** How blocks are fetched ahead, in the words of who reads them. */
export interface AheadWork {
  readonly isHere: (cid: CID) => Promise<boolean>
  /** Brings a block to the disk. `urgent`: somebody waits for it, here or at a fellow. */
  readonly take: (cid: CID, urgent: boolean) => Promise<void>
}

/** Who is there to share with. */
export interface Company {
  /** Our own peer id. */
  readonly self: string
  /** Fellows that can be asked now. */
  readonly fellows: () => readonly string[]
}

/**
 * The blocks of one file that are not here, and which fellows have which of them. What fellows have is fetched from them;
 * of the rest those that are for us to fetch, so that each mirror soon has something that the others have not.
 */
export class Ahead {
  readonly #missing: Map<string, CID>
  readonly #holders = new Map<string, Set<string>>()
  readonly #flying = new Set<string>()
  /** Those that could not be had; they are tried again when a fellow has them. */
  readonly #failed = new Set<string>()
  /** Fellows that do not take part. */
  readonly #idle = new Set<string>()
  readonly #work: AheadWork
  readonly #company: Company
  readonly #signal: AbortSignal
  #fromFellows = 0
  #woken = Promise.withResolvers<void>()

  constructor(cids: readonly CID[], work: AheadWork, company: Company, signal: AbortSignal) {
    this.#missing = new Map(cids.map((cid) => [keyOf(cid), cid]))
    this.#work = work
    this.#company = company
    this.#signal = signal
    signal.addEventListener('abort', () => this.wake(), { once: true })
  }

  get missing(): readonly CID[] {
    return [...this.#missing.values()]
  }

  has(key: string): boolean {
    return this.#missing.has(key)
  }

  /** Fellows that have this block. */
  holders(key: string): string[] {
    return [...(this.#holders.get(key) ?? [])]
  }

  /** Who is to fetch this block when no fellow has it: one of the fellows that take part, or we. */
  leader(key: string): string {
    const { self, fellows } = this.#company
    return leaderOf(
      key,
      self,
      fellows().filter((peer) => !this.#idle.has(peer)),
    )
  }

  /** A fellow did not fetch what was for it to fetch: it does not take part, until it shows that it does. */
  passOver(peer: string): void {
    this.#idle.add(peer)
    this.wake()
  }

  /** A fellow has these blocks. */
  learn(peer: string, keys: readonly string[]): void {
    for (const key of keys) {
      if (!this.#missing.has(key)) continue
      this.#idle.delete(peer)
      const holders = this.#holders.get(key) ?? new Set()
      this.#holders.set(key, holders.add(peer))
      this.#failed.delete(key)
    }
    this.wake()
  }

  /** A fellow is gone. */
  forget(peer: string): void {
    for (const holders of this.#holders.values()) holders.delete(peer)
    this.wake()
  }

  /** A block has come here. */
  onKept(key: string): void {
    this.#missing.delete(key)
    this.#holders.delete(key)
    this.wake()
  }

  wake(): void {
    const { resolve } = this.#woken
    this.#woken = Promise.withResolvers()
    resolve()
  }

  /** Resolves at the next {@link wake}. */
  changed(): Promise<void> {
    return this.#woken.promise
  }

  /** Strikes out what is here. */
  async look(): Promise<void> {
    for (const [key, cid] of this.#missing) {
      if (this.#signal.aborted) return
      if (await this.#work.isHere(cid)) this.#missing.delete(key)
    }
  }

  /** Fetches until nothing is missing or the signal aborts; only while there are fellows. */
  async run(): Promise<void> {
    while (this.#missing.size > 0 && !this.#signal.aborted) {
      if (this.#company.fellows().length > 0) this.#start()
      await this.changed()
    }
  }

  #start(): void {
    const idle = [...this.#missing.keys()].filter(
      (key) => !this.#flying.has(key) && !this.#failed.has(key),
    )
    const isHeld = (key: string): boolean => (this.#holders.get(key)?.size ?? 0) > 0
    const free = FROM_FELLOWS - this.#fromFellows
    const others = FROM_ELSEWHERE - (this.#flying.size - this.#fromFellows)
    for (const key of sample(idle.filter(isHeld), free)) void this.#fetch(key, true)
    const ours = (key: string): boolean => !isHeld(key) && this.leader(key) === this.#company.self
    // In the file's order, since somebody's reader comes to them in that order.
    const first = idle.filter(ours).slice(0, Math.max(others, 0))
    for (const key of first) void this.#fetch(key, false)
  }

  /** Never rejects: what could not be fetched ahead is fetched when the reader comes to it. */
  async #fetch(key: string, fromFellow: boolean): Promise<void> {
    const cid = this.#missing.get(key)
    if (cid === undefined) return
    this.#flying.add(key)
    if (fromFellow) this.#fromFellows++
    try {
      // Fellows' readers wait for what is ours to fetch: behind our own readers it would never have its turn, and they
      // would all help themselves.
      await this.#work.take(cid, !fromFellow)
      this.#missing.delete(key)
    } catch {
      this.#failed.add(key) // the reader meets the failure again, and tells
    }
    this.#flying.delete(key)
    if (fromFellow) this.#fromFellows--
    this.wake()
  }
}
