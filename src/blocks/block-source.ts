import { DamagedBlockError, MissingBlockError } from './block-store.ts'
import { FileNodes } from './file-nodes.ts'
import { Flights } from './flights.ts'
import { NodeFormatError } from './nodes.ts'
import { LIMITS } from './chunking.ts'
import { isSupported, keyOf, matches } from './cids.ts'
import { storageError } from './storage-error.ts'
import type { BlockOptions, BlockPart, BlockStore } from './block-store.ts'
import type { OpenFiles } from './open-files.ts'
import type { ByteRange } from '../registry/ports.ts'
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
  /** Some bytes of a large block, if they can be had without the rest, checked as well; in memory of their own. */
  part?(cid: CID, part: ByteRange, options?: BlockOptions): Promise<BlockPart | undefined>
  /** Its size in bytes, if that can be told without fetching it. */
  size(cid: CID, options?: BlockOptions): Promise<number | undefined>
  /** Blocks that the reader will come to. A hint: returns at once, and what comes of it ends with the signal. */
  prefetch?(cids: readonly CID[], signal: AbortSignal): void
  /** Remembers nodes of files that are read in small parts. */
  readonly nodes?: FileNodes
  /** A file is read from now on, until it is let go: the collector leaves it alone. */
  hold?(cid: CID): Disposable
}

/** How a block is fetched. */
export interface FetchBlockOptions extends BlockOptions {
  /** Nobody waits for it yet: those that somebody waits for go first. */
  ahead?: boolean | undefined
}

/** Brings one block from other nodes. What it returns need not have been checked, unless it says so. */
export type FetchBlock = (cid: CID, options: FetchBlockOptions) => Promise<Uint8Array>

/** Where blocks are fetched from. */
export interface BlockSupply {
  readonly fetch: FetchBlock
  /** What it returns has been checked against the CID, and is at most as long as a block may be. */
  readonly isChecked?: boolean
  /**
   * Fetches some of these blocks, which a reader will come to, in an order of its own. Returns when there is nothing more
   * to do for it; the reader does not wait for it.
   */
  readonly ahead?: (cids: readonly CID[], work: AheadWork, signal: AbortSignal) => Promise<void>
}

/** What is done with a block ahead of its reader. */
interface AheadWork {
  readonly isHere: (cid: CID) => Promise<boolean>
  /** Brings it to this disk; `urgent` when somebody waits for it, here or elsewhere. */
  readonly take: (cid: CID, urgent: boolean) => Promise<void>
}

/** Our own tree's blocks, from this disk alone: for whoever must not wait for the network, as the commit lane. */
export class LocalBlocks implements BlockSource {
  readonly readAhead = 2
  readonly #store: BlockStore
  readonly #files: OpenFiles | undefined
  readonly #onLost: (cid: CID, failure: Error) => void

  /** @param init `files` gets each file that is read; `onLost` is told of each block that is damaged or missing, as the reader is */
  constructor(
    store: BlockStore,
    {
      files,
      onLost = () => undefined,
    }: { files?: OpenFiles; onLost?: (cid: CID, failure: Error) => void } = {},
  ) {
    this.#store = store
    this.#files = files
    this.#onLost = onLost
  }

  async get(cid: CID, options?: BlockOptions): Promise<Uint8Array> {
    try {
      const bytes = await this.#store.get(cid, options)
      if (bytes === undefined) throw new MissingBlockError(cid)
      return bytes
    } catch (error) {
      if (error instanceof MissingBlockError || error instanceof DamagedBlockError)
        this.#onLost(cid, error)
      throw error
    }
  }

  size(cid: CID, options?: BlockOptions): Promise<number | undefined> {
    return this.#store.size(cid, options)
  }

  hold(cid: CID): Disposable {
    return this.#files?.hold(cid) ?? NOT_HELD
  }
}

/** A part that this disk has; `undefined` when it does not, or is damaged: then the whole block is brought back. */
export async function partOf(
  store: BlockStore,
  cid: CID,
  part: ByteRange,
  options?: BlockOptions,
): Promise<BlockPart | undefined> {
  try {
    return await store.part?.(cid, part, options)
  } catch (error) {
    if (error instanceof DamagedBlockError) return undefined
    throw error
  }
}

/** What nobody notes. */
export const NOT_HELD: Disposable = { [Symbol.dispose]: () => undefined }

/**
 * A mirror's blocks: from this disk, else from the network, and then kept. A damaged copy is mended the same way.
 */
export class FetchedBlocks implements BlockSource {
  /** A little more than from disk, since each block costs a round trip. */
  readonly readAhead = 4
  readonly nodes = new FileNodes()
  readonly #store: BlockStore
  readonly #supply: BlockSupply
  readonly #onKept: (cid: CID) => void
  readonly #files: OpenFiles | undefined
  readonly #flights = new Flights<Uint8Array>()

  /**
   * @param store a {@link WriteBehind}, where a reader should not wait for the disk
   * @param onKept told of each block that was fetched and put into the store
   * @param files gets each file that is read
   */
  constructor(
    store: BlockStore,
    supply: BlockSupply | FetchBlock,
    onKept: (cid: CID) => void = () => undefined,
    files?: OpenFiles,
  ) {
    this.#store = store
    this.#supply = typeof supply === 'function' ? { fetch: supply } : supply
    this.#onKept = onKept
    this.#files = files
  }

  hold(cid: CID): Disposable {
    return this.#files?.hold(cid) ?? NOT_HELD
  }

  async get(cid: CID, options: FetchBlockOptions = {}): Promise<Uint8Array> {
    if (!isSupported(cid))
      throw new NodeFormatError(cid, 'only raw and dag-pb with sha2-256 are fetched')
    const ahead = options.ahead === true
    // Apart, so that a block that somebody now waits for is asked for anew: whoever fetches makes one request of both.
    const key = `${keyOf(cid)}${ahead ? '+' : ''}`
    return this.#flights.join(key, (signal) => this.#bring(cid, { signal, ahead }), options)
  }

  part(cid: CID, part: ByteRange, options?: BlockOptions): Promise<BlockPart | undefined> {
    return partOf(this.#store, cid, part, options)
  }

  /** From this disk; else fetched, and kept. All who want it at the same time look once. */
  async #bring(cid: CID, options: FetchBlockOptions): Promise<Uint8Array> {
    const local = await this.#local(cid, options)
    if (local !== undefined) return local
    const bytes = await this.#supply.fetch(cid, options)
    if (this.#supply.isChecked !== true) check(cid, bytes)
    if (await this.#keep(cid, bytes, options)) this.#onKept(cid)
    return bytes
  }

  size(cid: CID, options?: BlockOptions): Promise<number | undefined> {
    return this.#store.size(cid, options)
  }

  prefetch(cids: readonly CID[], signal: AbortSignal): void {
    const { ahead } = this.#supply
    const work: AheadWork = {
      isHere: (cid) => this.#store.has(cid, { signal }),
      take: async (cid, urgent) => void (await this.get(cid, { signal, ahead: !urgent })),
    }
    // Whatever goes wrong, the reader meets it again when it comes there.
    ahead?.(cids.filter(isSupported), work, signal).catch(() => undefined)
  }

  /** A full disk is no reason not to serve what has come: it is only not kept. */
  async #keep(cid: CID, bytes: Uint8Array, options: BlockOptions): Promise<boolean> {
    try {
      await this.#store.put(cid, bytes, options)
      return true
    } catch (error) {
      options.signal?.throwIfAborted()
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

/**
 * Looks at what a peer sent.
 *
 * @throws NodeFormatError, DamagedBlockError when it is not the block, or too long for one
 */
export function check(cid: CID, bytes: Uint8Array): void {
  if (bytes.length > LIMITS.blockBytes)
    throw new NodeFormatError(cid, `${bytes.length} bytes are too many`)
  if (!matches(cid, bytes)) throw new DamagedBlockError(cid, 'a peer sent other bytes')
}
