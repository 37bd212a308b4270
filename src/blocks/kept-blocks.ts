import { DamagedBlockError } from './block-store.ts'
import { LIMITS } from './chunking.ts'
import { isSupported, matches } from './cids.ts'
import { NodeFormatError } from './nodes.ts'
import type { BlockSource } from './block-source.ts'
import type { BlockOptions } from './block-store.ts'
import type { DiskBlockStore } from './disk-block-store.ts'
import type { CID } from 'multiformats/cid'

/** Where a {@link KeptBlocks} has its blocks from and puts them. */
export interface KeptBlocksInit {
  readonly store: Pick<DiskBlockStore, 'get' | 'size' | 'put' | 'link' | 'isLinked'>
  /** Brings a block. `ahead`: nobody waits for it, so those that somebody waits for go first. */
  readonly fetch: (cid: CID, options: BlockOptions & { ahead: boolean }) => Promise<Uint8Array>
  /** Told of each block that was fetched and stored. */
  readonly onKept?: ((cid: CID) => void) | undefined
  /** Called before each block that is not here; throws when no more should be taken. */
  readonly makeRoom: () => Promise<void>
}

/**
 * Blocks of a tree that is to be here as a whole: whatever has been read through this is in the store, and peers may have
 * it. A reader that serves somebody (`FetchedBlocks`) goes on when the disk does not take a block; this one does not.
 */
export class KeptBlocks implements BlockSource {
  readonly readAhead = 4
  readonly #init: KeptBlocksInit

  constructor(init: KeptBlocksInit) {
    this.#init = init
  }

  /** @throws the failure of the disk besides what a source throws */
  async get(cid: CID, options: BlockOptions = {}): Promise<Uint8Array> {
    if (!isSupported(cid))
      throw new NodeFormatError(cid, 'only raw and dag-pb with sha2-256 are fetched')
    const local = await this.#local(cid, options)
    const bytes = local ?? (await this.#fetch(cid, options))
    await this.#link(cid)
    if (local === undefined) this.#init.onKept?.(cid)
    return bytes
  }

  /** Its size when it is here. */
  async size(cid: CID): Promise<number | undefined> {
    const size = await this.#init.store.size(cid)
    if (size !== undefined) await this.#link(cid)
    return size
  }

  async #fetch(cid: CID, options: BlockOptions): Promise<Uint8Array> {
    const { store, fetch, makeRoom, onKept } = this.#init
    await makeRoom()
    const bytes = await fetch(cid, { ...options, ahead: true })
    if (bytes.length > LIMITS.blockBytes)
      throw new NodeFormatError(cid, `${bytes.length} bytes are too many`)
    if (!matches(cid, bytes)) throw new DamagedBlockError(cid, 'a peer sent other bytes')
    await store.put(cid, bytes, options)
    onKept?.(cid)
    return bytes
  }

  async #local(cid: CID, options: BlockOptions): Promise<Uint8Array | undefined> {
    try {
      return await this.#init.store.get(cid, options)
    } catch (error) {
      if (error instanceof DamagedBlockError) return undefined // fetched again, which mends it
      throw error
    }
  }

  /** It may be here for another reason than a published tree, such as an upload that was never finished. */
  async #link(cid: CID): Promise<void> {
    const { store } = this.#init
    if (!(await store.isLinked(cid))) store.link([cid])
  }
}
