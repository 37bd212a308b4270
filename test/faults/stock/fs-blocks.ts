import { FsBlockstore } from 'blockstore-fs'
import {
  DiskBlockStore as OurBlockStore,
  SMALL_BLOCK_BYTES,
} from '../../../src/blocks/disk-block-store.ts'
import { keyOf } from '../../../src/blocks/cids.ts'
import { storageError } from '../../../src/blocks/storage-error.ts'
import { settings } from './settings.ts'
import type { Barrier } from '../../../src/blocks/barrier.ts'
import type { BlockOptions, BlockPart } from '../../../src/blocks/block-store.ts'
import type { ByteRange } from '../../../src/registry/ports.ts'
import type { LinkMarks } from '../../../src/blocks/link-marks.ts'
import type { StateDb, StateWrite } from '../../../src/blocks/state-db.ts'
import type { StoredBlocks } from '../../../src/blocks/stored-blocks.ts'
import type { Collection } from '../../../src/blocks/collection.ts'
import type { CID } from 'multiformats/cid'

type Face = Pick<OurBlockStore, keyof OurBlockStore>

/**
 * Our block store with blockstore-fs in the place of its files; as in Helia, what is read of them is compared with
 * nothing. Small blocks, marks and commits stay in our state database, so that what a campaign finds is about the files.
 */
export class DiskBlockStore implements Face {
  readonly #stock: FsBlockstore
  readonly #ours: OurBlockStore
  /** What it keeps, by hash, so that nobody looks for a file of ours when it cannot open its own. */
  readonly #files = new Set<string>()

  private constructor(stock: FsBlockstore, ours: OurBlockStore) {
    this.#stock = stock
    this.#ours = ours
  }

  static async open(directory: string, state: StateDb, barrier?: Barrier): Promise<DiskBlockStore> {
    const ours = await OurBlockStore.open(directory, state, barrier)
    const stock = new FsBlockstore(directory)
    await stock.open()
    const store = new DiskBlockStore(stock, ours)
    for await (const { cid } of stock.getAll()) store.#files.add(keyOf(cid))
    return store
  }

  async get(cid: CID, options?: BlockOptions): Promise<Uint8Array | undefined> {
    return this.#files.has(keyOf(cid)) ? this.#get(cid) : this.#ours.get(cid, options)
  }

  async part(
    cid: CID,
    { offset, length }: ByteRange,
    options?: BlockOptions,
  ): Promise<BlockPart | undefined> {
    const bytes = await this.get(cid, options)
    return bytes && { bytes: bytes.slice(offset, offset + length), size: bytes.length }
  }

  async has(cid: CID): Promise<boolean> {
    return this.#files.has(keyOf(cid)) ? this.#stock.has(cid) : this.#ours.has(cid)
  }

  /** It cannot tell without reading. */
  async size(cid: CID): Promise<number | undefined> {
    return this.#files.has(keyOf(cid)) ? (await this.#get(cid))?.length : this.#ours.size(cid)
  }

  async put(cid: CID, bytes: Uint8Array, options?: BlockOptions): Promise<void> {
    if (bytes.length <= SMALL_BLOCK_BYTES && !settings.allAreFiles)
      return this.#ours.put(cid, bytes, options)
    try {
      await this.#stock.put(cid, bytes)
      this.#files.add(keyOf(cid))
    } catch (error) {
      // It keeps the reason as text only. With that, every campaign would end at an answer 500, before it looks at the data.
      throw storageError(`block ${cid}`, error)
    }
  }

  sync(): Promise<void> {
    return this.#ours.sync()
  }

  commit(writes: readonly StateWrite[], marks?: LinkMarks): Promise<void> {
    return this.#ours.commit(writes, marks)
  }

  link(cids: Iterable<CID>): void {
    this.#ours.link(cids)
  }

  isLinked(cid: CID): Promise<boolean> {
    return this.#ours.isLinked(cid)
  }

  hold(): Disposable {
    return this.#ours.hold()
  }

  removeLeftovers(options?: BlockOptions): Promise<number> {
    return this.#ours.removeLeftovers(options)
  }

  collect(): Collection {
    return this.#ours.collect()
  }

  stored(): StoredBlocks {
    return this.#ours.stored()
  }

  get failure(): Error | undefined {
    return this.#ours.failure
  }

  recover(): Promise<void> {
    return this.#ours.recover()
  }

  async close(): Promise<void> {
    await this.#ours.close()
    await this.#stock.close()
  }

  /** Whatever went wrong, it says that the block is not there. */
  async #get(cid: CID): Promise<Uint8Array | undefined> {
    try {
      return Buffer.concat(await Array.fromAsync(this.#stock.get(cid)))
    } catch (error) {
      if (error instanceof Error && error.name === 'NotFoundError') return undefined
      throw error
    }
  }
}
