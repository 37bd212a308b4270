import { LiveSet } from './live-set.ts'
import { RecentBlocks } from './recent-blocks.ts'

/** A sha2-256. */
const HASH_BYTES = 32

/**
 * What keeps the collector and everybody else apart. Whoever puts, links, reads, or asks for a block relies on it from then
 * on, so while a collection runs that makes it live (the write barrier); and no block is touched while it is being deleted.
 *
 * All checks happen in one turn of the event loop with what they decide: between "it is not live" and "it is being
 * deleted" nobody else runs.
 */
export class Barrier {
  readonly #recent: RecentBlocks
  /** What the collection that runs leaves alone; `undefined` while none runs. */
  #live: LiveSet | undefined
  /** What was put before it began, and may not be linked yet. */
  #recentParts: readonly LiveSet[] = []
  /** Blocks that are being deleted, by hash in hex. */
  readonly #removing = new Map<string, Promise<unknown>>()

  constructor(recent: RecentBlocks = new RecentBlocks()) {
    this.#recent = recent
  }

  /** @throws when a collection runs already */
  begin(): LiveSet {
    if (this.#live !== undefined) throw new Error('a collection runs already')
    this.#live = new LiveSet()
    this.#recentParts = this.#recent.parts()
    return this.#live
  }

  end(): void {
    this.#live = undefined
    this.#recentParts = []
  }

  /** Somebody relies on this block from now on, if it is there. */
  touch(hash: Uint8Array): void {
    if (hash.length === HASH_BYTES) this.#live?.add(hash) // no other is stored
  }

  /** The same for one that peers may have from now on. */
  open(hash: Uint8Array): void {
    if (hash.length === HASH_BYTES) this.#live?.addOpen(hash)
  }

  /** Whether peers may go on having it, as far as the collection that runs has found. */
  isOpen(hash: Uint8Array): boolean {
    return this.#live === undefined || this.#live.isOpen(hash)
  }

  /** As {@link touch}, for one that is being put. */
  put(hash: Uint8Array): void {
    this.#recent.add(hash)
    this.#live?.add(hash)
  }

  /** As {@link RecentBlocks.hold}. */
  hold(): Disposable {
    return this.#recent.hold()
  }

  /** When a block is being deleted: resolves when it is gone, or could not be deleted. */
  removal(hash: Uint8Array): Promise<unknown> | undefined {
    return this.#removing.size === 0
      ? undefined
      : this.#removing.get(Buffer.from(hash).toString('hex'))
  }

  isLive(hash: Uint8Array): boolean {
    if (this.#live === undefined) return true
    return this.#live.has(hash) || this.#recentParts.some((part) => part.has(hash))
  }

  /**
   * Deletes blocks. Those that are live by now are left out.
   *
   * @param hashes in hex
   * @param work deletes what it is given, and must begin at once
   * @returns the blocks that were deleted
   */
  async remove(
    hashes: readonly string[],
    work: (hashes: readonly string[]) => Promise<void>,
  ): Promise<readonly string[]> {
    const dead = hashes.filter((hash) => !this.isLive(Buffer.from(hash, 'hex')))
    if (dead.length === 0) return dead
    const { promise, resolve } = Promise.withResolvers<void>()
    for (const hash of dead) this.#removing.set(hash, promise)
    try {
      await work(dead)
      return dead
    } finally {
      for (const hash of dead) this.#removing.delete(hash)
      resolve()
    }
  }
}
