import type { BlockSource } from './block-source.ts'
import type { BlockOptions } from './block-store.ts'
import type { DiskBlockStore } from './disk-block-store.ts'
import type { CID } from 'multiformats/cid'

/** What is fetched is not kept: the disk is too full for it. */
export class NotKeptError extends Error {
  static override readonly name = 'NotKeptError'
  override readonly name = 'NotKeptError'
}

/** The parts of the store that {@link KeptBlocks} needs. */
type Store = Pick<DiskBlockStore, 'size' | 'link' | 'isLinked'>

/**
 * Blocks of a tree that is to be here as a whole: whatever has been read through this is on this disk, and peers may have
 * it. (`FetchedBlocks` alone goes on serving what a full disk did not take.)
 */
export class KeptBlocks implements BlockSource {
  readonly readAhead: number
  readonly #inner: BlockSource
  readonly #store: Store
  readonly #makeRoom: () => Promise<void>

  /**
   * @param inner brings what is not here, and keeps it
   * @param makeRoom called before each block that is not here; throws when no more should be taken
   */
  constructor(inner: BlockSource, store: Store, makeRoom: () => Promise<void>) {
    this.readAhead = inner.readAhead
    this.#inner = inner
    this.#store = store
    this.#makeRoom = makeRoom
  }

  /** @throws NotKeptError besides what the inner source throws */
  async get(cid: CID, options?: BlockOptions): Promise<Uint8Array> {
    const isHere = (await this.#store.size(cid)) !== undefined
    if (!isHere) await this.#makeRoom()
    const bytes = await this.#inner.get(cid, options)
    if ((await this.size(cid)) === undefined)
      throw new NotKeptError('what is fetched is not kept: the disk is full')
    return bytes
  }

  /** Its size when it is here. */
  async size(cid: CID): Promise<number | undefined> {
    const size = await this.#store.size(cid)
    // It may have come another way than from a published tree, such as an upload that was never finished.
    if (size !== undefined && !(await this.#store.isLinked(cid))) this.#store.link([cid])
    return size
  }
}
