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
    const { store, onKept } = this.#init
    // What is here for another reason is not looked at (see `OpenBlocks`).
    const local = (await store.isLinked(cid)) ? await this.#local(cid, options) : undefined
    if (local !== undefined) return local
    const bytes = await this.#fetch(cid, options)
    store.link([cid])
    onKept?.(cid)
    return bytes
  }

  /** Its size when it is here. */
  async size(cid: CID): Promise<number | undefined> {
    const { store } = this.#init
    return (await store.isLinked(cid)) ? store.size(cid) : undefined
  }

  async #fetch(cid: CID, options: BlockOptions): Promise<Uint8Array> {
    const { store, fetch, makeRoom } = this.#init
    await makeRoom()
    const bytes = await fetch(cid, { ...options, ahead: true })
    if (bytes.length > LIMITS.blockBytes)
      throw new NodeFormatError(cid, `${bytes.length} bytes are too many`)
    if (!matches(cid, bytes)) throw new DamagedBlockError(cid, 'a peer sent other bytes')
    await store.put(cid, bytes, options)
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
}
