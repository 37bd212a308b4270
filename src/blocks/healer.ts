import { NOT_HELD, check, partOf } from './block-source.ts'
import { DamagedBlockError, MissingBlockError } from './block-store.ts'
import { keyOf } from './cids.ts'
import { FileNodes } from './file-nodes.ts'
import { Flights } from './flights.ts'
import { storageError } from './storage-error.ts'
import type { BlockSource, FetchBlock } from './block-source.ts'
import type { BlockOptions, BlockPart, BlockStore } from './block-store.ts'
import type { OpenFiles } from './open-files.ts'
import type { ByteRange } from '../registry/ports.ts'
import type { CID } from 'multiformats/cid'

/** Longest time that a reader waits for a block of ours to come back, in ms. */
const PATIENCE_MS = 10_000
/** After nobody had a block, nobody is asked for it again for so long, in ms. */
const REST_MS = 30_000
/** Blocks that are remembered as lost; of more the oldest are forgotten, and found again. */
const LOST_LIMIT = 4096
/** Blocks brought back without a reader that waits. */
const BEHIND_LIMIT = 16

/** Where blocks come back from, and who is told. */
export interface Help {
  readonly fetch: FetchBlock
  /** A block was brought back, and is in the store. */
  readonly onHealed: (cid: CID) => void
  /** A block is damaged or missing, and nobody who is connected has it. */
  readonly onLost: (cid: CID, cause: unknown) => void
}

/**
 * Brings blocks of our own tree back that the disk has lost: whoever mirrors us has them, and those whom we mirror may.
 * Whether they do or not, what is damaged is an error until it is whole again, and never "not there" (promise I3).
 */
export class Healer {
  readonly #blocks: BlockStore
  readonly #now: () => number
  readonly #mayAsk: (cid: CID) => Promise<boolean>
  readonly #flights = new Flights<Uint8Array>()
  readonly #stop = new AbortController()
  /** What is damaged or missing, by hash, and when somebody may be asked for it again. */
  readonly #lost = new Map<string, number>()
  #help: Help | undefined
  #behind = 0

  /** @param mayAsk whether others may hear that we want a block; all, when it is not said */
  constructor(
    blocks: BlockStore,
    now: () => number,
    mayAsk: (cid: CID) => Promise<boolean> = () => Promise.resolve(true),
  ) {
    this.#blocks = blocks
    this.#now = now
    this.#mayAsk = mayAsk
  }

  /** Until this is called nobody is asked. */
  connect(help: Help): void {
    this.#help = help
  }

  /** Blocks that were found to be damaged or missing, and have not been read whole since. */
  get lost(): number {
    return this.#lost.size
  }

  /** A block was read, and is whole. */
  isWhole(cid: CID): void {
    if (this.#lost.size > 0) this.#lost.delete(keyOf(cid))
  }

  /**
   * The block, brought back.
   *
   * @param failure what kept it from being read
   * @throws that failure, when nobody has the block
   */
  async heal(cid: CID, failure: Error, { signal }: BlockOptions = {}): Promise<Uint8Array> {
    const key = keyOf(cid)
    const until = this.#lost.get(key) ?? 0
    if (this.#help === undefined || this.#now() < until) throw failure
    return this.#flights.join(key, (ended) => this.#bring(cid, failure, ended), { signal })
  }

  /** The same for those who do not wait: the next who reads it may find it whole. */
  healBehind(cid: CID, failure: Error): void {
    if (this.#behind >= BEHIND_LIMIT) return
    this.#behind++
    this.heal(cid, failure)
      .catch(() => undefined) // whoever reads it is told
      .finally(() => this.#behind--)
  }

  stop(): void {
    this.#stop.abort(new Error('the node stops'))
  }

  async #bring(cid: CID, failure: Error, ended: AbortSignal): Promise<Uint8Array> {
    const help = this.#help
    if (help === undefined) throw failure
    const patience = AbortSignal.timeout(PATIENCE_MS)
    const signal = AbortSignal.any([ended, patience, this.#stop.signal])
    let bytes
    try {
      if (!(await this.#mayAsk(cid))) throw failure
      bytes = await help.fetch(cid, { signal })
      check(cid, bytes)
    } catch (error) {
      ended.throwIfAborted()
      this.#stop.signal.throwIfAborted()
      this.#remember(cid)
      help.onLost(cid, error)
      throw failure
    }
    await this.#keep(cid, bytes)
    help.onHealed(cid)
    return bytes
  }

  /** A full disk is no reason not to serve what has come: it is asked for again the next time. */
  async #keep(cid: CID, bytes: Uint8Array): Promise<void> {
    try {
      await this.#blocks.put(cid, bytes)
      await this.#blocks.sync()
      this.#lost.delete(keyOf(cid))
    } catch (error) {
      if (!storageError('', error).passes) throw error
    }
  }

  #remember(cid: CID): void {
    const [oldest] = this.#lost.keys()
    if (this.#lost.size >= LOST_LIMIT && oldest !== undefined) this.#lost.delete(oldest)
    this.#lost.set(keyOf(cid), this.#now() + REST_MS)
  }
}

/**
 * Our own tree's blocks: from this disk, else brought back, which is waited for.
 *
 * @see LocalBlocks for whoever must not wait
 */
export class HealedBlocks implements BlockSource {
  readonly readAhead = 2
  readonly nodes = new FileNodes()
  readonly #store: BlockStore
  readonly #healer: Healer
  readonly #files: OpenFiles | undefined

  /** @param files gets each file that is read */
  constructor(store: BlockStore, healer: Healer, files?: OpenFiles) {
    this.#store = store
    this.#healer = healer
    this.#files = files
  }

  hold(cid: CID): Disposable {
    return this.#files?.hold(cid) ?? NOT_HELD
  }

  async get(cid: CID, options: BlockOptions = {}): Promise<Uint8Array> {
    let failure
    try {
      const bytes = await this.#store.get(cid, options)
      if (bytes !== undefined) {
        this.#healer.isWhole(cid)
        return bytes
      }
      failure = new MissingBlockError(cid)
    } catch (error) {
      if (!(error instanceof DamagedBlockError)) throw error
      failure = error
    }
    return this.#healer.heal(cid, failure, options)
  }

  part(cid: CID, part: ByteRange, options?: BlockOptions): Promise<BlockPart | undefined> {
    return partOf(this.#store, cid, part, options)
  }

  size(cid: CID, options?: BlockOptions): Promise<number | undefined> {
    return this.#store.size(cid, options)
  }
}
