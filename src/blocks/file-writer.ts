import { CHUNK_BYTES } from './chunking.ts'
import { RAW, cidFromHash, sha256 } from './cids.ts'
import { FileDag } from './file-dag.ts'
import { RegistryError } from '../oci/errors.ts'
import { createHasher } from '../oci/digest.ts'
import type { BlockOptions, BlockStore } from './block-store.ts'
import type { DagPart } from './file-dag.ts'
import type { Digest, Hasher } from '../oci/digest.ts'
import type { StoredContent } from '../registry/ports.ts'

/** Leaves being written at once for one file. Together with the one being filled, this bounds the writer's memory. */
const LEAVES_IN_FLIGHT = 3

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
  /** The leaf being filled; allocated when the first byte of it comes. */
  #leaf: Buffer | undefined
  #filled = 0
  #size = 0
  /** Puts under way in file order, each followed by adding the leaf to the tree. */
  readonly #inFlight: Promise<void>[] = []
  #tail: Promise<void> = Promise.resolve()

  /** @param length how many bytes will come at most: small content then costs no memory of a whole leaf */
  constructor(
    blocks: BlockStore,
    algorithm: 'sha256' | 'sha512',
    onLeaf: OnLeaf = () => undefined,
    length = Infinity,
  ) {
    this.#blocks = blocks
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
      const leaf = (this.#leaf ??= Buffer.allocUnsafeSlow(
        Math.min(CHUNK_BYTES, this.#length - this.#size),
      ))
      const taken = Math.min(bytes.length - offset, CHUNK_BYTES - this.#filled)
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
  }

  /** Gives back bytes that {@link releaseTail} let go of: they are hashed and counted already. */
  restoreTail(bytes: Uint8Array): void {
    if (this.#filled > 0 || bytes.length >= CHUNK_BYTES)
      throw new Error('the tail is not empty, or too long')
    if (bytes.length === 0) return
    this.#leaf = Buffer.allocUnsafeSlow(CHUNK_BYTES)
    this.#leaf.set(bytes)
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
    this.#inFlight.length = 0
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

  async #closeLeaf(options: BlockOptions): Promise<void> {
    const bytes = this.tail
    this.#leaf = undefined
    this.#filled = 0
    const hash = sha256(bytes)
    const put = this.#blocks.put(cidFromHash(RAW, hash), bytes, options)
    // The tree must get the leaves in file order, while the puts may end in any order.
    const added = Promise.all([put, this.#tail]).then(() => {
      this.#onLeaf(hash)
      return this.#dag.add(leafPart(hash, bytes.length))
    })
    added.catch(() => undefined) // seen by whoever awaits the tail; without this it would count as unhandled before
    this.#tail = added
    this.#inFlight.push(added)
    if (this.#inFlight.length > LEAVES_IN_FLIGHT) await this.#inFlight.shift()
  }
}

function leafPart(hash: Uint8Array, size: number): DagPart {
  return { cid: cidFromHash(RAW, hash), size, treeSize: size }
}
