import { CHUNK_BYTES } from './chunking.ts'
import { RAW, cidFromHash, sha256Aside } from './cids.ts'
import { FileDag } from './file-dag.ts'
import { leafRoom } from './leaf-room.ts'
import { RegistryError } from '../oci/errors.ts'
import { createHasher } from '../oci/digest.ts'
import type { BlockOptions, BlockStore } from './block-store.ts'
import type { DagPart } from './file-dag.ts'
import type { LeafRoom } from './leaf-room.ts'
import type { Digest, Hasher } from '../oci/digest.ts'
import type { StoredContent } from '../registry/ports.ts'

/** Leaves being written at once for one file, whatever others do. With the one being filled, this is a writer's memory. */
const LEAVES_IN_FLIGHT = 3
/** The same while there is room for more. */
const MOST_IN_FLIGHT = 10

/** What a writer begins with, in bytes, and how often as much it goes on with, until it has a whole leaf. */
const FIRST_BYTES = 16 * 1024
const GROWTH = 4

/** Called for each whole leaf, in file order, when it is stored: what an upload's log remembers. */
export type OnLeaf = (hash: Uint8Array) => void

/**
 * Writes one file in one pass: the OCI digest of the whole and the leaves of the IPFS tree come from the same bytes
 * while they arrive, and go straight into the block store. Memory is a few leaves, however large the file.
 */
export class FileWriter {
  readonly #blocks: BlockStore
  readonly #onLeaf: OnLeaf
  readonly #dag: FileDag
  readonly #hasher: Hasher
  readonly #length: number
  /** The leaf being filled; allocated when the first byte of it comes, and anew as it grows. */
  #leaf: Buffer<ArrayBuffer> | undefined
  #filled = 0
  /** Whether so much comes that a leaf is allocated as a whole. */
  #isMuch = false
  #size = 0
  /** Puts under way in file order, each followed by adding the leaf to the tree. */
  readonly #inFlight = new Set<Promise<void>>()
  /** How many of them are in shared room. */
  #shared = 0
  /** Memory of leaves that are on disk, for the next ones. */
  readonly #spare: Buffer<ArrayBuffer>[] = []
  readonly #room: LeafRoom
  #tail: Promise<void> = Promise.resolve()

  /**
   * @param blocks whose `put` has no use for the bytes any more when it resolves: their memory is used again
   * @param length how many bytes will come at most: small content then costs no memory of a whole leaf
   */
  constructor(
    blocks: BlockStore,
    algorithm: 'sha256' | 'sha512',
    onLeaf: OnLeaf = () => undefined,
    length = Infinity,
    room: LeafRoom = leafRoom,
  ) {
    this.#blocks = blocks
    this.#room = room
    this.#onLeaf = onLeaf
    this.#length = length
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

  /** Takes bytes. Resolves when there is room for more; keeps no reference to `bytes`. */
  async write(bytes: Uint8Array, options: BlockOptions = {}): Promise<void> {
    if (this.#size + bytes.length > this.#length) throw new RangeError('more bytes than announced')
    this.#hasher.update(bytes)
    let offset = 0
    while (offset < bytes.length) {
      const leaf = this.#leafWithRoom(bytes.length - offset)
      const taken = Math.min(bytes.length - offset, leaf.length - this.#filled)
      leaf.set(bytes.subarray(offset, offset + taken), this.#filled)
      this.#filled += taken
      this.#size += taken
      offset += taken
      if (this.#filled === CHUNK_BYTES) await this.#closeLeaf(options)
    }
  }

  /**
   * Lets go of the unfinished leaf's memory, which an idle upload must not hold. It must be given back by
   * {@link restoreTail} before anything else is written.
   */
  releaseTail(): void {
    this.#leaf = undefined
    this.#filled = 0
    this.#isMuch = false
    this.#spare.length = 0
  }

  /** Gives back bytes that {@link releaseTail} let go of: they are hashed and counted already. */
  restoreTail(bytes: Uint8Array): void {
    if (this.#filled > 0 || bytes.length >= CHUNK_BYTES)
      throw new Error('the tail is not empty, or too long')
    if (bytes.length === 0) return
    this.#leaf = Buffer.from(bytes)
    this.#filled = bytes.length
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
   * The leaf being filled, with room for at least a byte. It grows with what comes: of thousands of uploads that trickle,
   * each would hold a whole one.
   *
   * @param coming bytes that are here for it
   */
  #leafWithRoom(coming: number): Buffer<ArrayBuffer> {
    const leaf = this.#leaf
    if (leaf !== undefined && this.#filled < leaf.length) return leaf
    const spare = leaf === undefined ? this.#spare.pop() : undefined
    const larger = spare ?? Buffer.allocUnsafeSlow(this.#nextLength(coming))
    if (leaf !== undefined) larger.set(leaf)
    return (this.#leaf = larger)
  }

  #nextLength(coming: number): number {
    const most = Math.min(CHUNK_BYTES, this.#filled + this.#length - this.#size)
    if (this.#isMuch) return most
    return Math.min(most, Math.max(FIRST_BYTES, GROWTH * this.#filled, this.#filled + coming))
  }

  async #closeLeaf(options: BlockOptions): Promise<void> {
    const bytes = this.tail
    const leaf = this.#leaf
    this.#leaf = undefined
    this.#filled = 0
    this.#isMuch = true
    const added = this.#add(bytes, this.#tail, options)
    added.catch(() => undefined) // seen by whoever awaits the tail; without this it would count as unhandled before
    this.#tail = added
    this.#inFlight.add(added)
    const landed = (): void => this.#land(added, leaf)
    added.then(landed, landed)
    if (this.#mayFlyOn()) return
    for (const oldest of this.#inFlight) {
      if (this.#inFlight.size <= LEAVES_IN_FLIGHT + this.#shared) return
      await oldest
    }
  }

  /** Stores a leaf. The tree must get the leaves in file order, while the puts may end in any order. */
  async #add(bytes: Uint8Array, before: Promise<void>, options: BlockOptions): Promise<void> {
    const hash = await sha256Aside(bytes)
    await this.#blocks.put(cidFromHash(RAW, hash), bytes, options)
    await before
    this.#onLeaf(hash)
    await this.#dag.add(leafPart(hash, bytes.length))
  }

  /** Whether another leaf may be begun before one has landed. */
  #mayFlyOn(): boolean {
    const { size } = this.#inFlight
    if (size <= LEAVES_IN_FLIGHT + this.#shared) return true
    if (size > MOST_IN_FLIGHT || !this.#room.take()) return false
    this.#shared++
    return true
  }

  #land(added: Promise<void>, leaf: Buffer<ArrayBuffer> | undefined): void {
    this.#inFlight.delete(added)
    if (leaf?.length === CHUNK_BYTES && this.#spare.length < LEAVES_IN_FLIGHT)
      this.#spare.push(leaf)
    if (this.#shared === 0) return
    this.#shared--
    this.#room.give()
  }
}

function leafPart(hash: Uint8Array, size: number): DagPart {
  return { cid: cidFromHash(RAW, hash), size, treeSize: size }
}
