import { storageError } from './storage-error.ts'
import type { BlockStore } from './block-store.ts'
import type { CID } from 'multiformats/cid'

/** Bytes on their way to the disk; whoever brings more waits. */
const MAX_BYTES = 24 * 1024 * 1024
/** Blocks that are written at once: each waits for its sync. */
const MAX_WRITES = 4

interface Pending {
  readonly cid: CID
  readonly bytes: Uint8Array
}

/**
 * Writes blocks behind the backs of those who read them: a reader need not wait for the disk. It is bounded: when the
 * disk is slower than the network, whoever brings blocks waits.
 */
export class Keeper {
  readonly #store: BlockStore
  readonly #onKept: (cid: CID) => void
  readonly #maxBytes: number
  /** Blocks that are not on disk yet, by hash, in the order in which they came. */
  readonly #pending = new Map<string, Pending>()
  readonly #waiting: Array<() => void> = []
  /** Of the blocks above, those that nobody writes yet. */
  readonly #queue: string[] = []
  #bytes = 0
  #writes = 0
  #failure: Error | undefined

  /** @param onKept told of each block that was written */
  constructor(store: BlockStore, onKept: (cid: CID) => void, maxBytes: number = MAX_BYTES) {
    this.#store = store
    this.#onKept = onKept
    this.#maxBytes = maxBytes
  }

  /** A block that is on its way to the disk. */
  peek(cid: CID): Uint8Array | undefined {
    return this.#pending.get(keyOf(cid))?.bytes
  }

  /**
   * Takes a block to keep; waits only while too many are on their way. The caller vouches that the bytes are the block.
   *
   * A full disk is no reason not to serve what has come: the block is only not kept.
   *
   * @throws any other failure of the disk, also of a block before this one; and the signal's reason
   */
  async keep(cid: CID, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    while (this.#bytes > 0 && this.#bytes + bytes.length > this.#maxBytes) await this.#room(signal)
    this.#throwFailure()
    const key = keyOf(cid)
    if (this.#pending.has(key)) return
    this.#pending.set(key, { cid, bytes })
    this.#queue.push(key)
    this.#bytes += bytes.length
    this.#startWrites()
  }

  /** Returns when everything that was taken is written, or was not to be kept. @throws as {@link keep} */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await this.#room(undefined)
    this.#throwFailure()
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

  async #write(key: string, { cid, bytes }: Pending): Promise<void> {
    try {
      await this.#store.put(cid, bytes)
      this.#onKept(cid)
    } catch (error) {
      if (!storageError('', error).passes)
        this.#failure = error instanceof Error ? error : new Error(String(error))
    }
    this.#pending.delete(key)
    this.#bytes -= bytes.length
    this.#writes--
    for (const wake of this.#waiting.splice(0)) wake()
    this.#startWrites()
  }
}

function keyOf(cid: CID): string {
  return Buffer.from(cid.multihash.digest).toString('base64url')
}
