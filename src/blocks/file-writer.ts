import { CHUNK_BYTES } from './chunking.ts'
import { RAW, cidFromHash, sha256Aside } from './cids.ts'
import { FileDag } from './file-dag.ts'
import { Gate } from './gate.ts'
import { RegistryError } from '../oci/errors.ts'
import { createHasher } from '../oci/digest.ts'
import type { BlockOptions, BlockStore } from './block-store.ts'
import type { DagPart } from './file-dag.ts'
import type { LeafPlace, LeafRoom } from './leaf-room.ts'
import type { Digest, Hasher } from '../oci/digest.ts'
import type { StoredContent } from '../registry/ports.ts'

/** Leaves being written at once for one file while others wait for room. */
const LEAVES_IN_FLIGHT = 3
/** The same while there is room for more: a disk that takes long to sync syncs eight files in hardly more time than one. */
const MOST_IN_FLIGHT = 10

/** What a writer holds without asking for room, in bytes: of thousands of uploads that trickle, each has this much. */
export const PIECE_BYTES = 16 * 1024

/** Each hash aside is of a copy. */
const hashing = new Gate(8)

/** Called for each whole leaf, in file order, when it is stored: what an upload's log remembers. */
export type OnLeaf = (hash: Uint8Array) => void

/** What is otherwise the usual. */
export interface FileWriterOptions {
  readonly onLeaf?: OnLeaf
  /** How many bytes will come at most. */
  readonly length?: number
  /** Where it has its leaves; without it, in memory of its own: for what is in memory in any case. */
  readonly room?: LeafRoom | undefined
  /** Asks to {@link FileWriter.releaseTail}, for others need the room. */
  readonly putDown?: () => void
}

/**
 * Writes one file in one pass: the OCI digest of the whole and the leaves of the IPFS tree come from the same bytes
 * while they arrive, and go straight into the block store. Memory is a few leaves, however large the file, and not more
 * than the room has, however many files.
 *
 * The first put that fails ends it: every later call throws what that put threw, and nothing more is put.
 */
export class FileWriter {
  readonly #blocks: BlockStore
  readonly #options: FileWriterOptions
  readonly #dag: FileDag
  readonly #hasher: Hasher
  readonly #length: number
  /** The leaf being filled; allocated when the first byte of it comes. */
  #leaf: Buffer<ArrayBuffer> | undefined
  /** Its place in the room; `undefined` as long as it is but a piece. */
  #place: LeafPlace | undefined
  #filled = 0
  /** Whether so much comes that a piece is not worth while. */
  #isMuch = false
  #isSlow = false
  #size = 0
  /** Puts under way in file order, each followed by adding the leaf to the tree. */
  readonly #inFlight = new Set<Promise<void>>()
  #tail: Promise<void> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined

  /** @param blocks whose `put` has no use for the bytes any more when it resolves: their memory is used again */
  constructor(blocks: BlockStore, algorithm: 'sha256' | 'sha512', options: FileWriterOptions = {}) {
    this.#blocks = blocks
    this.#options = options
    this.#length = options.length ?? Infinity
    this.#hasher = createHasher(algorithm)
    this.#dag = new FileDag((node) => blocks.put(node.cid, node.bytes))
  }

  /** Bytes taken so far. */
  get size(): number {
    return this.#size
  }

  /** The bytes after the last whole leaf, which no leaf holds yet. A view: valid until the next write. */
  get tail(): Uint8Array {
    return this.#leaf?.subarray(0, this.#filled) ?? new Uint8Array(0)
  }

  /**
   * Takes bytes. Resolves when there is room for more; keeps no reference to `bytes`.
   *
   * @param options.signal ends the wait for room, and what the block store waits for
   * @throws what a put threw, also one of an earlier call
   */
  async write(bytes: Uint8Array, options: BlockOptions = {}): Promise<void> {
    this.#throwFailure()
    if (this.#size + bytes.length > this.#length) throw new RangeError('more bytes than announced')
    this.#hasher.update(bytes)
    this.#size += bytes.length
    try {
      await this.#fill(bytes, options)
    } catch (error) {
      this.fail(error) // the digest has bytes that no leaf has
      throw error
    }
  }

  async #fill(bytes: Uint8Array, options: BlockOptions): Promise<void> {
    let offset = 0
    while (offset < bytes.length) {
      const leaf = await this.#leafWithRoom(bytes.length - offset, options)
      const taken = Math.min(bytes.length - offset, leaf.length - this.#filled)
      leaf.set(bytes.subarray(offset, offset + taken), this.#filled)
      this.#filled += taken
      offset += taken
      if (this.#filled === CHUNK_BYTES) await this.#closeLeaf(options)
    }
  }

  /**
   * Lets go of the unfinished leaf's memory, which an idle upload must not hold. What it was must be given back by
   * {@link restoreTail} before anything else is written.
   *
   * @param isSlow whether others had to wait for it
   */
  releaseTail(isSlow = false): void {
    this.#isSlow = isSlow
    this.#isMuch = false
    this.#drop()
  }

  /** Takes bytes after the last whole leaf that {@link restoreTail} will give back: only to hash and to count them. */
  countTail(bytes: Uint8Array): void {
    this.#hasher.update(bytes)
    this.#size += bytes.length
  }

  /**
   * Gives back bytes that {@link releaseTail} let go of, or that were only counted.
   *
   * @param length of all of them
   * @param read gives them in parts to `take`, when there is room
   * @throws Error when there are more or fewer
   */
  async restoreTail(
    length: number,
    read: (take: (bytes: Uint8Array) => void) => Promise<void>,
    options: BlockOptions = {},
  ): Promise<void> {
    if (this.#filled > 0 || length >= CHUNK_BYTES)
      throw new Error('the tail is not empty, or too long')
    this.#throwFailure()
    const leaf = await this.#leafWithRoom(length, options)
    try {
      await read((bytes) => {
        leaf.set(bytes, this.#filled) // a RangeError when there are more
        this.#filled += bytes.length
      })
      if (this.#filled !== length) throw new Error('not as much of the tail as there was')
    } catch (error) {
      this.fail(error)
      this.#drop()
      throw error
    }
  }

  /**
   * Takes a whole leaf that is stored already, as when an upload is taken up again.
   * @param bytes the leaf's content, for the digest
   */
  async resume(hash: Uint8Array, bytes: Uint8Array): Promise<void> {
    this.#hasher.update(bytes)
    this.#size += bytes.length
    await this.#dag.add(leafPart(hash, bytes.length))
  }

  /** Waits until every whole leaf is in the store (not yet synced). Rethrows what a put threw. */
  async settle(): Promise<void> {
    await this.#tail
    this.#throwFailure()
  }

  /** Ends it from outside: it throws this from now on. */
  fail(error: unknown): void {
    this.#failure ??= { error }
  }

  /** Lets go of what it holds in the room. To be called when it is not written to any more, however it ended. */
  [Symbol.dispose](): void {
    this.#drop()
  }

  /**
   * Ends the file.
   *
   * @throws RegistryError DIGEST_INVALID when its bytes are not what `expected` says
   */
  async finish(expected: Digest): Promise<StoredContent> {
    const actual = this.#hasher.digest()
    if (actual !== expected) {
      throw new RegistryError('DIGEST_INVALID', {
        message: 'the content does not have the digest that was given',
        detail: { expected, actual },
      })
    }
    if (this.#filled > 0 || this.#size === 0) await this.#closeLeaf({})
    await this.settle()
    const root = await this.#dag.finish()
    if (root === undefined) throw new Error('a file without leaves') // closeLeaf added at least one
    return { digest: expected, size: this.#size, id: root.cid.toString(), treeSize: root.treeSize }
  }

  /**
   * The leaf being filled, with room for at least a byte. Little is kept in a piece; for more, a place is waited for.
   *
   * @param coming bytes that are here for it
   */
  async #leafWithRoom(coming: number, { signal }: BlockOptions): Promise<Buffer<ArrayBuffer>> {
    if (this.#leaf !== undefined && this.#filled < this.#leaf.length) return this.#leaf
    const { room, putDown } = this.#options
    if (room === undefined) {
      const most = Math.min(CHUNK_BYTES, this.#length - this.#size + coming)
      return (this.#leaf = Buffer.allocUnsafeSlow(most))
    }
    if (!this.#isMuch && this.#filled + coming <= PIECE_BYTES)
      return (this.#leaf = Buffer.allocUnsafeSlow(PIECE_BYTES))
    const place = await room.take({ isSlow: this.#isSlow, signal, putDown })
    if (this.#leaf !== undefined) place.bytes.set(this.#leaf.subarray(0, this.#filled))
    this.#place = place
    return (this.#leaf = place.bytes)
  }

  async #closeLeaf(options: BlockOptions): Promise<void> {
    const bytes = this.tail
    const place = this.#place
    place?.full()
    this.#leaf = this.#place = undefined
    this.#filled = 0
    this.#isMuch = true
    this.#isSlow = false
    const added = this.#add(bytes, this.#tail, options)
    added.catch((error: unknown) => this.fail(error)) // also seen by whoever awaits the tail
    this.#tail = added
    this.#inFlight.add(added)
    const landed = (): void => {
      this.#inFlight.delete(added)
      place?.[Symbol.dispose]()
    }
    added.then(landed, landed)
    for (const oldest of this.#inFlight) {
      if (this.#inFlight.size <= this.#mostInFlight) return
      await oldest
    }
  }

  get #mostInFlight(): number {
    return this.#options.room?.hasMore === true ? MOST_IN_FLIGHT : LEAVES_IN_FLIGHT
  }

  /** Stores a leaf. The tree must get the leaves in file order, while the puts may end in any order. */
  async #add(bytes: Uint8Array, before: Promise<void>, options: BlockOptions): Promise<void> {
    const hash = await hashing.run(() => sha256Aside(bytes))
    this.#throwFailure()
    await this.#blocks.put(cidFromHash(RAW, hash), bytes, options)
    await before
    this.#options.onLeaf?.(hash)
    await this.#dag.add(leafPart(hash, bytes.length))
  }

  #drop(): void {
    this.#place?.[Symbol.dispose]()
    this.#leaf = this.#place = undefined
    this.#filled = 0
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

function leafPart(hash: Uint8Array, size: number): DagPart {
  return { cid: cidFromHash(RAW, hash), size, treeSize: size }
}
