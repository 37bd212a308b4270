import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { Barrier } from './barrier.ts'
import { DamagedBlockError } from './block-store.ts'
import { hashOf, matches, matchesAside } from './cids.ts'
import { Collection } from './collection.ts'
import { DirectorySync } from './dir-sync.ts'
import { readIfThere, removeTemporary, sizeIfThere, syncDirectory, writeWhole } from './files.ts'
import { isIntact } from './intact.ts'
import { LinkBook } from './link-marks.ts'
import { makeDirectories, readdirOrMake } from './make-directories.ts'
import { PartReader } from './part-reader.ts'
import { StoredBlocks } from './stored-blocks.ts'
import { WeightedCache } from './weighted-cache.ts'
import type { BlockOptions, BlockPart, BlockStore } from './block-store.ts'
import type { LinkMarks } from './link-marks.ts'
import type { StateDb, StateWrite } from './state-db.ts'
import type { ByteRange } from '../registry/ports.ts'
import type { CID } from 'multiformats/cid'

/** Blocks up to this size go to LevelDB: 23 small files cost 6.5 ms to sync, one batch 0.7 ms (measured). */
export const SMALL_BLOCK_BYTES = 16 * 1024

/** Small blocks held back for the next synced batch; beyond this they are written at once. */
const PENDING_LIMIT = 256

/**
 * Longest time a small block is held back, in ms. Our own are written by the commit that links them; this is for what
 * was fetched from a mirror, which no commit waits for but which should outlive a killed process.
 */
const PENDING_TIME = 500

/**
 * Memory for small blocks that were read or written lately, in bytes: to find one manifest, six links are looked at, and
 * each look into the database is a way to another thread and back.
 */
const RECENT_BYTES = 4 * 1024 * 1024
/** What one takes besides its bytes. */
const RECENT_BLOCK_BYTES = 256

/** Where damaged blocks are kept for a look. */
const DAMAGED = 'damaged'

/** The directories of `blocks/`: one for each first byte of a hash. */
const PREFIXES = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

const NO_MARKS: LinkMarks = { linked: [], unlinked: [] }

/**
 * The block store of one data directory: large blocks are files in `blocks/<first byte>/<multihash>`, small ones are
 * in the state database. A block is found by its sha2-256, whatever codec the CID names.
 */
export class DiskBlockStore implements BlockStore {
  readonly #directory: string
  readonly #state: StateDb
  readonly #directories = new DirectorySync()
  /** Small blocks that were put but are not in a synced batch yet, by hash. */
  readonly #pending = new Map<string, Uint8Array>()
  /** Some that are in the database, by hash. */
  readonly #recent = new WeightedCache<Uint8Array>(RECENT_BYTES, RECENT_BYTES)
  readonly #parts = new PartReader({
    whole: (cid, options) => this.get(cid, options),
    path: (hash) => this.#path(hash).path,
  })
  /** Which blocks peers may have. */
  readonly #links: LinkBook
  /** How often the collector took blocks: what was read before is not to be remembered after. */
  #removed = 0
  readonly #barrier: Barrier
  /** Puts under way, by hash: two writers of one block are one write. */
  readonly #writing = new Map<string, Promise<void>>()
  /** Synced batches go one after the other, so that {@link sync} can wait for those before it. */
  #batches: Promise<void> = Promise.resolve()
  #flushing: NodeJS.Timeout | undefined

  private constructor(directory: string, state: StateDb, barrier: Barrier) {
    this.#directory = directory
    this.#state = state
    this.#barrier = barrier
    this.#links = new LinkBook(state)
  }

  /** Opens the store, making its directories. */
  static async open(
    directory: string,
    state: StateDb,
    barrier: Barrier = new Barrier(),
  ): Promise<DiskBlockStore> {
    const existing = new Set(await readdirOrMake(directory))
    const missing = PREFIXES.filter((name) => !existing.has(name))
    await Promise.all(missing.map((name) => makeDirectories(join(directory, name), 0o700)))
    await syncDirectory(directory) // also for those that a process made which died before it could
    return new DiskBlockStore(directory, state, barrier)
  }

  /** Removes temporary files of earlier lives. Not needed for correctness, so it may run after start. */
  async removeLeftovers(options: BlockOptions = {}): Promise<number> {
    let removed = 0
    for (const name of PREFIXES) {
      options.signal?.throwIfAborted()
      removed += await removeTemporary(join(this.#directory, name))
    }
    return removed
  }

  async get(cid: CID, options: BlockOptions = {}): Promise<Uint8Array | undefined> {
    options.signal?.throwIfAborted()
    const removal = this.#rely(cid)
    if (removal !== undefined) await removal
    const known = this.#recentOf(cid)
    if (known !== undefined) return known
    const removed = this.#removed
    const bytes = await this.#get(cid)
    if (bytes !== undefined && removed === this.#removed) this.#keep(hashOf(cid), bytes)
    return bytes
  }

  /** As the disk has it, and not kept in memory: whoever reads everything must not push out what others need. */
  async #get(cid: CID): Promise<Uint8Array | undefined> {
    const bytes = await this.#readStored(cid)
    if (bytes === undefined) return undefined
    if (await matchesAside(cid, bytes)) return bytes
    await this.#setAside(cid)
    throw new DamagedBlockError(cid, `its ${bytes.length} bytes have another hash`)
  }

  async part(cid: CID, part: ByteRange, options?: BlockOptions): Promise<BlockPart | undefined> {
    const removal = this.#rely(cid)
    if (removal !== undefined) await removal
    return this.#parts.read(cid, part, options)
  }

  async has(cid: CID): Promise<boolean> {
    return (await this.size(cid)) !== undefined
  }

  async size(cid: CID): Promise<number | undefined> {
    const removal = this.#rely(cid)
    if (removal !== undefined) await removal
    return this.#recentOf(cid)?.length ?? this.#size(cid)
  }

  async #size(cid: CID): Promise<number | undefined> {
    const hash = hashOf(cid)
    if (hash === undefined) return undefined
    const small = await this.#readSmall(hash)
    if (small !== undefined) return small.length
    return sizeIfThere(this.#path(hash).path)
  }

  /**
   * Notes that these blocks are of a published tree that is passed on, so that peers may have them (promise I10): at
   * once, and durably with the next {@link commit} or {@link sync}. What was never linked, such as an unfinished upload or
   * a repository that is not published, is for nobody.
   */
  link(cids: Iterable<CID>): void {
    for (const cid of cids) {
      const hash = hashOf(cid)
      if (hash === undefined) continue
      this.#links.add(hash)
      this.#barrier.open(cid.multihash.digest)
    }
    this.#flushSoon()
  }

  /** Whether peers may have a block: a published tree holds it, or did when the last collection began. */
  async isLinked(cid: CID): Promise<boolean> {
    const hash = hashOf(cid)
    return hash !== undefined && (await this.#links.has(hash))
  }

  async put(cid: CID, bytes: Uint8Array, options: BlockOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    const hash = hashOf(cid)
    if (hash === undefined) throw new TypeError(`block ${cid} is of a kind that is not stored`)
    this.#barrier.put(cid.multihash.digest)
    const removal = this.#barrier.removal(cid.multihash.digest)
    if (removal !== undefined) await removal
    const running = this.#writing.get(hash)
    if (running !== undefined) {
      // If that writer fails, its failure must not become ours: then we write it ourselves.
      const written = await running.then(
        () => true,
        () => false,
      )
      if (written) return
      return this.put(cid, bytes, options)
    }
    const writing = this.#write(cid, hash, bytes)
    this.#writing.set(hash, writing)
    try {
      await writing
    } finally {
      this.#writing.delete(hash)
    }
  }

  /** As long as it is held, what is put is not collected, also when nothing links it for long. */
  hold(): Disposable {
    return this.#barrier.hold()
  }

  /** Begins a collection, which ends when it is disposed of. @throws when one runs already */
  collect(): Collection {
    return new Collection({
      directory: this.#directory,
      prefixes: PREFIXES,
      state: this.#state,
      barrier: this.#barrier,
      isInUse: (hash) =>
        this.#pending.has(hash) || this.#links.isFresh(hash) || this.#writing.has(hash),
      isBeingLinked: (hash) => this.#links.isBeingLinked(hash),
      onUnlinked: (hashes) => this.#links.forget(hashes),
      onRemoved: (hashes) => {
        this.#removed++
        this.#links.forget(hashes)
        for (const hash of hashes) this.#recent.delete(hash)
      },
      read: (cid) => this.#get(cid),
      size: (cid) => this.#size(cid),
    })
  }

  /** What is on the disk, for whoever checks it. */
  stored(): StoredBlocks {
    return new StoredBlocks({
      directory: this.#directory,
      prefixes: PREFIXES,
      state: this.#state,
      read: (cid) => this.#readStored(cid),
      size: (cid) => this.#size(cid),
      setAside: (cid) => this.#setAside(cid),
    })
  }

  sync(): Promise<void> {
    return this.commit([])
  }

  /**
   * Makes every block that was put safe on disk, then writes `writes` in the same synced batch as the small blocks.
   * The commit lane calls it with the journal entry: whatever the entry's root needs is there when the entry is. Peers
   * get what it links when that is on the disk, and not before; what it takes from them is gone at once.
   */
  commit(writes: readonly StateWrite[], marks: LinkMarks = NO_MARKS): Promise<void> {
    const result = this.#batches.then(() => this.#marked(writes, marks))
    this.#batches = result.catch(() => undefined) // its caller has the error
    return result
  }

  /** Why nothing is written any more until a restart, whoever met it; `undefined` while that is not so. */
  get failure(): Error | undefined {
    return this.#state.failure ?? this.#directories.lost
  }

  /** After a commit that failed: resolves when it is certain what is on disk, and writing may go on. */
  recover(): Promise<void> {
    return this.#state.recover()
  }

  /** Writes what is pending and lets go. The state database is closed by whoever opened it, afterwards. */
  async close(): Promise<void> {
    clearTimeout(this.#flushing)
    this.#flushing = undefined
    await this.sync()
  }

  /** A collection that runs, or begins meanwhile, must not take the marks back that come with this commit. */
  async #marked(writes: readonly StateWrite[], marks: LinkMarks): Promise<void> {
    try {
      const keys = await this.#links.begin(marks)
      await this.#commit([...keys, ...writes])
    } finally {
      for (const hash of marks.linked) this.#barrier.open(Buffer.from(hash, 'hex'))
      this.#links.end()
    }
  }

  async #commit(writes: readonly StateWrite[]): Promise<void> {
    const pending = [...this.#pending]
    const links = this.#links.fresh()
    await this.#directories.sync()
    const blocks = pending.map(([hash, value]) => ({ key: smallKey(hash), value }))
    await this.#state.write([...blocks, ...links.writes, ...writes])
    // A block put again meanwhile is the same bytes, so it may go too.
    for (const [hash, value] of pending) {
      this.#pending.delete(hash)
      this.#keep(hash, value)
    }
    links.written()
  }

  async #write(cid: CID, hash: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length <= SMALL_BLOCK_BYTES) return this.#writeSmall(hash, bytes)
    const { directory, path } = this.#path(hash)
    // An existing file counts only if it is intact. Its directory is synced again in any case: the process that put it
    // there may have been killed before it did.
    if (!(await isIntact(path, cid))) await writeWhole(directory, hash, bytes)
    this.#directories.mark(directory)
  }

  /**
   * Takes a damaged file out of the way, so that nobody counts on it, and keeps it for whoever wants to know what
   * happened. Only if it is still damaged when it is read once more: memory errs too.
   */
  async #setAside(cid: CID): Promise<void> {
    const hash = hashOf(cid)
    if (hash === undefined || this.#writing.has(hash)) return // whoever writes it mends it
    const moving = this.#move(cid, hash)
    // Whoever wants to put it meanwhile waits, and then does so: nothing was written here.
    const waiting = moving.then(() => {
      throw new Error('it was set aside')
    })
    waiting.catch(() => undefined)
    this.#writing.set(hash, waiting)
    try {
      await moving
    } finally {
      this.#writing.delete(hash)
    }
  }

  async #move(cid: CID, hash: string): Promise<void> {
    const { path } = this.#path(hash)
    const aside = join(this.#directory, DAMAGED)
    try {
      const bytes = await readIfThere(path)
      if (bytes === undefined || (await matchesAside(cid, bytes))) return
      await makeDirectories(aside, 0o700)
      await rename(path, join(aside, hash))
    } catch (error) {
      if (!(error instanceof Error && 'errno' in error)) throw error
      // The disk does not let us: then it stays where it is, and is found damaged again.
    }
  }

  async #writeSmall(hash: string, bytes: Uint8Array): Promise<void> {
    if (this.#pending.has(hash)) return
    // They are held back only while the database takes them in time; when it fails, so must the writers.
    if (this.#pending.size >= 4 * PENDING_LIMIT) await this.sync()
    // Also when the database has it: a look costs more than writing it again, which mends it should it be damaged.
    // A copy, because small blocks are often views into a large buffer that would be kept alive.
    this.#pending.set(hash, Uint8Array.from(bytes))
    if (this.#pending.size >= PENDING_LIMIT) await this.sync()
    else this.#flushSoon()
  }

  #flushSoon(): void {
    this.#flushing ??= setTimeout(() => this.#flushLater(), PENDING_TIME).unref()
  }

  #flushLater(): void {
    this.#flushing = undefined
    // Nobody waits for this. If the disk fails, the blocks stay pending, and the next commit meets the failure and tells.
    this.sync().catch(() => undefined)
  }

  /** Whoever looks for a block relies on what it hears. What is being deleted is waited for. */
  #rely({ multihash: { digest } }: CID): Promise<unknown> | undefined {
    this.#barrier.touch(digest)
    return this.#barrier.removal(digest)
  }

  async #readStored(cid: CID): Promise<Uint8Array | undefined> {
    const hash = hashOf(cid)
    if (hash === undefined) return undefined
    return (await this.#readSmall(hash)) ?? readIfThere(this.#path(hash).path)
  }

  async #readSmall(hash: string): Promise<Uint8Array | undefined> {
    return this.#pending.get(hash) ?? this.#state.get(smallKey(hash))
  }

  /** A small block that was read or written lately, checked. */
  #recentOf(cid: CID): Uint8Array | undefined {
    const hash = hashOf(cid)
    const bytes = hash === undefined ? undefined : this.#recent.get(hash)
    return bytes !== undefined && matches(cid, bytes) ? bytes : undefined
  }

  #keep(hash: string | undefined, value: Uint8Array): void {
    if (hash === undefined || value.length > SMALL_BLOCK_BYTES) return
    this.#recent.set(hash, value, value.length + RECENT_BLOCK_BYTES)
  }

  #path(hash: string): { directory: string; path: string } {
    const directory = join(this.#directory, hash.slice(0, 2))
    return { directory, path: join(directory, hash) }
  }
}

function smallKey(hash: string): Uint8Array {
  return Buffer.concat([Buffer.from('b/'), Buffer.from(hash, 'hex')])
}
