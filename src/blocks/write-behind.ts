import { keyOf } from './cids.ts'
import { storageError } from './storage-error.ts'
import type { BlockOptions, BlockPart, BlockStore } from './block-store.ts'
import type { ByteRange } from '../registry/ports.ts'
import type { CID } from 'multiformats/cid'

/** Bytes on their way to the store; whoever brings more waits. */
const MAX_BYTES = 24 * 1024 * 1024
/** Blocks that are written at once: each waits for its sync. */
const MAX_WRITES = 4

interface Pending {
  readonly cid: CID
  readonly bytes: Uint8Array
  /** Resolves when it was written, or with why it could not be. */
  readonly done: PromiseWithResolvers<Error | undefined>
}

/**
 * A block store that writes behind the back of whoever puts something: what was fetched can be handed on, and given to
 * peers, before the disk has it. It is bounded: when the disk is slower than the network, whoever brings blocks waits.
 *
 * A full disk is no reason not to serve what has come: the block is only not kept. Any other failure of the disk is
 * thrown by the next put, and, whoever's put met it, by each {@link sync} that waited for the block, or by the next one.
 */
export class WriteBehind implements BlockStore {
  readonly #store: BlockStore
  readonly #maxBytes: number
  /** Blocks that are not in the store yet, by hash, in the order in which they came. */
  readonly #pending = new Map<string, Pending>()
  readonly #waiting: Array<() => void> = []
  /** Of the blocks above, those that nobody writes yet. */
  readonly #queue: string[] = []
  #bytes = 0
  #writes = 0
  /** For the next put. */
  #failure: Error | undefined
  /** For the next sync: a put of somebody else must not take it, or what was dropped would count as safe. */
  #unsafe: Error | undefined

  constructor(store: BlockStore, maxBytes: number = MAX_BYTES) {
    this.#store = store
    this.#maxBytes = maxBytes
  }

  async get(cid: CID, options?: BlockOptions): Promise<Uint8Array | undefined> {
    return this.#pending.get(keyOf(cid))?.bytes ?? this.#store.get(cid, options)
  }

  async part(cid: CID, part: ByteRange, options?: BlockOptions): Promise<BlockPart | undefined> {
    // What is pending is in memory as a whole; from there it is cut.
    if (this.#pending.has(keyOf(cid))) return undefined
    return this.#store.part?.(cid, part, options)
  }

  async has(cid: CID, options?: BlockOptions): Promise<boolean> {
    return this.#pending.has(keyOf(cid)) || this.#store.has(cid, options)
  }

  async size(cid: CID, options?: BlockOptions): Promise<number | undefined> {
    return this.#pending.get(keyOf(cid))?.bytes.length ?? this.#store.size(cid, options)
  }

  /** Waits only while too many bytes are on their way. */
  async put(cid: CID, bytes: Uint8Array, { signal }: BlockOptions = {}): Promise<void> {
    while (this.#bytes > 0 && this.#bytes + bytes.length > this.#maxBytes) await this.#room(signal)
    this.#throwFailure()
    const key = keyOf(cid)
    if (this.#pending.has(key)) return
    this.#pending.set(key, { cid, bytes, done: Promise.withResolvers() })
    this.#queue.push(key)
    this.#bytes += bytes.length
    this.#startWrites()
  }

  /** Writes what was put, but for want of room on the disk, and makes it safe. */
  async sync(): Promise<void> {
    // Not what is put meanwhile: that may never end.
    const outcomes = await Promise.all([...this.#pending.values()].map(({ done }) => done.promise))
    const failure = outcomes.find((outcome) => outcome !== undefined) ?? this.#unsafe
    this.#unsafe = undefined
    if (failure !== undefined) {
      this.#failure = undefined
      throw failure
    }
    await this.#store.sync()
  }

  #throwFailure(): void {
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
  }

  /** Waits until a block has been written. */
  #room(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onAbort = (): void => reject(signal?.reason as Error)
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#waiting.push(resolve)
    return promise.finally(() => signal?.removeEventListener('abort', onAbort))
  }

  #startWrites(): void {
    while (this.#writes < MAX_WRITES) {
      const key = this.#queue.shift()
      const pending = key === undefined ? undefined : this.#pending.get(key)
      if (key === undefined || pending === undefined) return
      this.#writes++
      void this.#write(key, pending)
    }
  }

  async #write(key: string, { cid, bytes, done }: Pending): Promise<void> {
    let failure: Error | undefined
    try {
      await this.#store.put(cid, bytes)
    } catch (error) {
      if (!storageError('', error).passes)
        failure = error instanceof Error ? error : new Error(String(error))
    }
    if (failure !== undefined) this.#failure = this.#unsafe = failure
    this.#pending.delete(key)
    this.#bytes -= bytes.length
    this.#writes--
    done.resolve(failure)
    for (const wake of this.#waiting.splice(0)) wake()
    this.#startWrites()
  }
}
