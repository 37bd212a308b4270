import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sizeIfThere } from './files.ts'
import type { Barrier } from './barrier.ts'
import type { BlockOptions } from './block-store.ts'
import type { LiveSet } from './live-set.ts'
import type { Pace } from './pace.ts'
import type { StateDb } from './state-db.ts'
import type { CID } from 'multiformats/cid'

/** Blocks that are deleted together. */
const BATCH = 128
/** Keys that are looked at in a row. */
const PAGE = 512

const SMALL = Buffer.from('b/')
const LINKED = Buffer.from('l/')

/** What a collection works on: the insides of the block store. */
export interface CollectionParts {
  /** Where the directories of large blocks are, by the first byte of their hashes in hex. */
  readonly directory: string
  readonly prefixes: readonly string[]
  readonly state: StateDb
  readonly barrier: Barrier
  /** Whether the store has a block in its hands, which is neither on disk nor gone. */
  readonly isInUse: (hash: string) => boolean
  /** Whether a block is just becoming one that peers may have. */
  readonly isBeingLinked: (hash: string) => boolean
  /** Told of blocks that go. */
  readonly onRemoved: (hashes: readonly string[]) => void
  /** Told of blocks whose mark of being linked goes. */
  readonly onUnlinked: (hashes: readonly string[]) => void
  /** Reads a block as `get` does, but without relying on it from then on. */
  readonly read: (cid: CID) => Promise<Uint8Array | undefined>
  readonly size: (cid: CID) => Promise<number | undefined>
}

/** What a sweep deleted, or would have. */
export interface Reclaimed {
  /** Blocks that were looked at. */
  seen: number
  blocks: number
  bytes: number
}

/** How a sweep goes. */
export interface SweepOptions extends BlockOptions {
  readonly pace: Pace
  /** Deletes nothing, and only counts. */
  readonly dryRun?: boolean | undefined
  /** Is kept up to date. */
  readonly reclaimed: Reclaimed
}

/**
 * One run of the collector over the block store, and the only way to delete a block. What is {@link live} stays, and so does
 * whatever anybody puts, links or reads while it runs. When it fails at any point, nothing is lost: what it has not come to
 * is looked at by the next one.
 */
export class Collection implements Disposable {
  /** To be filled with everything that is to stay, before {@link sweep}. */
  readonly live: LiveSet
  readonly #parts: CollectionParts

  /** @throws when another one runs */
  constructor(parts: CollectionParts) {
    this.#parts = parts
    this.live = parts.barrier.begin()
  }

  /** A block, checked, which is not live because of that. @throws as `BlockStore.get` */
  read(cid: CID): Promise<Uint8Array | undefined> {
    return this.#parts.read(cid)
  }

  /** Its size in bytes; `undefined` when it is not here. */
  size(cid: CID): Promise<number | undefined> {
    return this.#parts.size(cid)
  }

  /** Deletes every block that is not live. */
  async sweep(options: SweepOptions): Promise<void> {
    for (const prefix of this.#parts.prefixes) await this.#sweepFiles(prefix, options)
    await this.#sweepKeys(SMALL, (hashes) => this.#removeSmall(hashes, options), options)
    if (options.dryRun !== true) await this.#sweepMarks(options)
  }

  [Symbol.dispose](): void {
    this.#parts.barrier.end()
  }

  async #sweepFiles(prefix: string, options: SweepOptions): Promise<void> {
    const directory = join(this.#parts.directory, prefix)
    const hashes = (await readdir(directory)).filter((name) => /^[0-9a-f]{64}$/.test(name))
    options.reclaimed.seen += hashes.length
    const dead = this.#dead(hashes)
    for (let at = 0; at < dead.length; at += BATCH) {
      await options.pace.turn(options)
      await this.#removeFiles(directory, dead.slice(at, at + BATCH), options)
    }
    await options.pace.turn(options)
  }

  async #removeFiles(
    directory: string,
    hashes: readonly string[],
    { dryRun, reclaimed }: SweepOptions,
  ): Promise<void> {
    const sizes = new Map<string, number>()
    for (const hash of hashes) sizes.set(hash, (await sizeIfThere(join(directory, hash))) ?? 0)
    const remove = async (dead: readonly string[]): Promise<void> => {
      // First the marks: a file that came back without one is nobody's, but a mark without its file would one day give
      // peers what was only uploaded.
      this.#parts.onRemoved(dead)
      await this.#unlink(dead)
      for (const hash of dead) await rm(join(directory, hash), { force: true })
    }
    this.#count(await this.#remove(hashes, remove, dryRun), sizes, reclaimed)
  }

  async #removeSmall(
    hashes: readonly string[],
    { dryRun, reclaimed }: SweepOptions,
  ): Promise<void> {
    const { state } = this.#parts
    reclaimed.seen += hashes.length
    const sizes = new Map<string, number>()
    for (const hash of this.#dead(hashes))
      sizes.set(hash, (await state.get(keyOf(SMALL, hash)))?.length ?? 0)
    const remove = (dead: readonly string[]): Promise<void> => {
      this.#parts.onRemoved(dead)
      const keys = dead.flatMap((hash) => [keyOf(SMALL, hash), keyOf(LINKED, hash)])
      return state.write(keys.map((key) => ({ key, value: undefined })))
    }
    this.#count(await this.#remove([...sizes.keys()], remove, dryRun), sizes, reclaimed)
  }

  /**
   * Marks of what no published tree holds any more, though its history does, and of blocks that are not here. A mark is
   * only ever taken back here, so whatever goes wrong, peers get less and never more.
   */
  #sweepMarks(options: SweepOptions): Promise<void> {
    const { barrier, isBeingLinked } = this.#parts
    const remove = async (hashes: readonly string[]): Promise<void> => {
      const closed = hashes.filter(
        (hash) => !isBeingLinked(hash) && !barrier.isOpen(Buffer.from(hash, 'hex')),
      )
      if (closed.length > 0) await this.#unlink(closed)
    }
    return this.#sweepKeys(LINKED, remove, options)
  }

  async #sweepKeys(
    prefix: Buffer,
    work: (hashes: readonly string[]) => Promise<void>,
    options: SweepOptions,
  ): Promise<void> {
    for (let after: Uint8Array | undefined; ;) {
      const keys = await this.#parts.state.keys(prefix, { after, limit: PAGE })
      const hashes = keys.map((key) => Buffer.from(key.subarray(prefix.length)).toString('hex'))
      for (let at = 0; at < hashes.length; at += BATCH) {
        await work(hashes.slice(at, at + BATCH))
        await options.pace.turn(options)
      }
      after = keys.at(-1)
      if (after === undefined || keys.length < PAGE) return
    }
  }

  #dead(hashes: readonly string[]): string[] {
    const { barrier, isInUse } = this.#parts
    return hashes.filter((hash) => !isInUse(hash) && !barrier.isLive(Buffer.from(hash, 'hex')))
  }

  #unlink(hashes: readonly string[]): Promise<void> {
    this.#parts.onUnlinked(hashes)
    return this.#parts.state.write(
      hashes.map((hash) => ({ key: keyOf(LINKED, hash), value: undefined })),
    )
  }

  #remove(
    hashes: readonly string[],
    work: (dead: readonly string[]) => Promise<void>,
    dryRun: boolean | undefined,
  ): Promise<readonly string[]> {
    const dead = this.#dead(hashes)
    return dryRun === true ? Promise.resolve(dead) : this.#parts.barrier.remove(dead, work)
  }

  #count(
    removed: readonly string[],
    sizes: ReadonlyMap<string, number>,
    reclaimed: Reclaimed,
  ): void {
    reclaimed.blocks += removed.length
    for (const hash of removed) reclaimed.bytes += sizes.get(hash) ?? 0
  }
}

function keyOf(prefix: Buffer, hash: string): Uint8Array {
  return Buffer.concat([prefix, Buffer.from(hash, 'hex')])
}
