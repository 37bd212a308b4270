import { DamagedBlockError, MissingBlockError } from './block-store.ts'
import { Flights } from './flights.ts'
import { NodeFormatError } from './nodes.ts'
import { LIMITS } from './chunking.ts'
import { isSupported, matches } from './cids.ts'
import { storageError } from './storage-error.ts'
import type { BlockOptions, BlockStore } from './block-store.ts'
import type { CID } from 'multiformats/cid'

/** Where a reader has its blocks from. A block that cannot be had is an error here, never `undefined` (promise I3). */
export interface BlockSource {
  /**
   * Leaves worth asking for ahead of the one that is being sent. With leaves of 1 MiB, this and one more are the memory
   * of a download.
   */
  readonly readAhead: number
  /**
   * The block, checked against its CID.
   *
   * @throws MissingBlockError, DamagedBlockError, or the error of the disk or network
   */
  get(cid: CID, options?: BlockOptions): Promise<Uint8Array>
  /** Its size in bytes, if that can be told without fetching it. */
  size(cid: CID, options?: BlockOptions): Promise<number | undefined>
}

/** Brings one block from other nodes. What it returns need not have been checked. */
export type FetchBlock = (cid: CID, options: BlockOptions) => Promise<Uint8Array>

/** Our own tree's blocks: what is not on this disk is lost, and asking the network would only hide that. */
export class LocalBlocks implements BlockSource {
  readonly readAhead = 2
  readonly #store: BlockStore

  constructor(store: BlockStore) {
    this.#store = store
  }

  async get(cid: CID, options?: BlockOptions): Promise<Uint8Array> {
    const bytes = await this.#store.get(cid, options)
    if (bytes === undefined) throw new MissingBlockError(cid)
    return bytes
  }

  size(cid: CID, options?: BlockOptions): Promise<number | undefined> {
    return this.#store.size(cid, options)
  }
}

/**
 * A mirror's blocks: from this disk, else from the network, and then kept. A damaged copy is mended the same way.
 */
export class FetchedBlocks implements BlockSource {
  /** A little more than from disk, since each block costs a round trip. */
  readonly readAhead = 4
  readonly #store: BlockStore
  readonly #fetch: FetchBlock
  readonly #onKept: (cid: CID) => void
  readonly #flights = new Flights<Uint8Array>()

  /** @param onKept told of each block that was fetched and stored */
  constructor(store: BlockStore, fetch: FetchBlock, onKept: (cid: CID) => void = () => undefined) {
    this.#store = store
    this.#fetch = fetch
    this.#onKept = onKept
  }

  async get(cid: CID, options: BlockOptions = {}): Promise<Uint8Array> {
    if (!isSupported(cid))
      throw new NodeFormatError(cid, 'only raw and dag-pb with sha2-256 are fetched')
    const local = await this.#local(cid, options)
    if (local !== undefined) return local
    const key = Buffer.from(cid.multihash.digest).toString('base64')
    return this.#flights.run(key, (signal) => this.#bring(cid, { signal }), options.signal)
  }

  /**
   * Fetches a block and keeps it. It looks on the disk once more: since its reader did, another flight may have landed, and
   * nothing is fetched twice.
   */
  async #bring(cid: CID, options: BlockOptions): Promise<Uint8Array> {
    const local = await this.#local(cid, options)
    if (local !== undefined) return local
    const bytes = await this.#fetch(cid, options)
    if (bytes.length > LIMITS.blockBytes)
      throw new NodeFormatError(cid, `${bytes.length} bytes are too many`)
    if (!matches(cid, bytes)) throw new DamagedBlockError(cid, 'a peer sent other bytes')
    if (await this.#keep(cid, bytes, options)) this.#onKept(cid)
    return bytes
  }

  size(cid: CID, options?: BlockOptions): Promise<number | undefined> {
    return this.#store.size(cid, options)
  }

  /** A full disk is no reason not to serve what has come: it is only not kept. */
  async #keep(cid: CID, bytes: Uint8Array, options: BlockOptions): Promise<boolean> {
    try {
      await this.#store.put(cid, bytes, options)
      return true
    } catch (error) {
      if (storageError('', error).passes) return false
      throw error
    }
  }

  async #local(cid: CID, options: BlockOptions): Promise<Uint8Array | undefined> {
    try {
      return await this.#store.get(cid, options)
    } catch (error) {
      if (error instanceof DamagedBlockError) return undefined // fetched again, which mends it
      throw error
    }
  }
}
