import type { BlockOptions, BlockStore } from './block-store.ts'
import type { CID } from 'multiformats/cid'

/**
 * Our blocks as whoever draws a mirror's tree may see them: those that peers may have. A tree names what it likes, by a hash
 * that somebody told or guessed. What is here for another reason (a repository that is not published, an upload, what was
 * deleted) must then be as if it were not here: it would be served from the mirror's repositories to clients who may not
 * read ours, and a mirror that is not asked for what only it can have would know that it is here.
 */
export class OpenBlocks implements BlockStore {
  readonly #store: BlockStore
  readonly #isOpen: (cid: CID) => Promise<boolean>

  constructor(store: BlockStore, isOpen: (cid: CID) => Promise<boolean>) {
    this.#store = store
    this.#isOpen = isOpen
  }

  async get(cid: CID, options?: BlockOptions): Promise<Uint8Array | undefined> {
    return (await this.#isOpen(cid)) ? this.#store.get(cid, options) : undefined
  }

  async has(cid: CID, options?: BlockOptions): Promise<boolean> {
    return (await this.#isOpen(cid)) && (await this.#store.has(cid, options))
  }

  async size(cid: CID, options?: BlockOptions): Promise<number | undefined> {
    return (await this.#isOpen(cid)) ? this.#store.size(cid, options) : undefined
  }

  put(cid: CID, bytes: Uint8Array, options?: BlockOptions): Promise<void> {
    return this.#store.put(cid, bytes, options)
  }

  sync(): Promise<void> {
    return this.#store.sync()
  }
}
