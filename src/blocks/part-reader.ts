import { open } from 'node:fs/promises'
import { hashOf, sha256 } from './cids.ts'
import { isNotFound } from './files.ts'
import { Flights } from './flights.ts'
import { WeightedCache } from './weighted-cache.ts'
import type { FileHandle } from 'node:fs/promises'
import type { BlockOptions, BlockPart } from './block-store.ts'
import type { ByteRange } from '../registry/ports.ts'
import type { CID } from 'multiformats/cid'

/** What is read and checked at a time, in bytes: what a slow reader holds. */
export const SLICE_BYTES = 64 * 1024
/** A smaller block is read as a whole. */
const LEAST_BYTES = 2 * SLICE_BYTES
/** Memory for the hashes of slices, in bytes: of some 5,000 leaves of 1 MiB. */
const CACHE_BYTES = 4 * 1024 * 1024
/** What one entry takes besides its hashes. */
const ENTRY_BYTES = 256

const HASH_BYTES = 32

/** What is known of a block that was read as a whole. */
interface Known {
  readonly size: number
  /** The hashes of its slices, one after the other. */
  readonly slices: Uint8Array
}

/** What a {@link PartReader} reads with. */
export interface PartReaderInit {
  /** The block, checked against its CID; `undefined` when it is not here. */
  readonly whole: (cid: CID, options: BlockOptions) => Promise<Uint8Array | undefined>
  /** Its file, by its hash. */
  readonly path: (hash: string) => string
}

/**
 * Reads parts of large blocks, for whoever takes one in many parts: a CID proves only the whole block, and to read and hash
 * 1 MiB for each 64 KiB that somebody takes would be sixteen times the work, for as many readers as there are. So a block
 * is read as a whole once, checked, and the hashes of its slices are kept for a while; later each slice is read alone and
 * checked against its own (promise I5).
 */
export class PartReader {
  readonly #init: PartReaderInit
  /** By the block's hash. */
  readonly #known = new WeightedCache<Known>(CACHE_BYTES, CACHE_BYTES)
  readonly #flights = new Flights<Uint8Array | undefined>()

  constructor(init: PartReaderInit) {
    this.#init = init
  }

  /**
   * A part of a block; `undefined` when the block is not here.
   *
   * @throws what `whole` throws; a RangeError when the block has no such part
   */
  async read(
    cid: CID,
    part: ByteRange,
    options: BlockOptions = {},
  ): Promise<BlockPart | undefined> {
    options.signal?.throwIfAborted()
    const hash = hashOf(cid)
    const known = hash === undefined ? undefined : this.#known.get(hash)
    if (hash !== undefined && known !== undefined) {
      const bytes = await readSlices(this.#init.path(hash), part, known)
      if (bytes !== undefined) return { bytes, size: known.size }
    }
    // It is not here, or not known yet, or damaged: whoever reads the whole finds that out.
    const whole = await this.#whole(cid, hash, options)
    return whole && { bytes: copyOf(whole, part), size: whole.length }
  }

  /** All who come to a block at the same time read it once. */
  async #whole(
    cid: CID,
    hash: string | undefined,
    options: BlockOptions,
  ): Promise<Uint8Array | undefined> {
    if (hash === undefined) return this.#init.whole(cid, options)
    return this.#flights.join(
      hash,
      async (signal) => {
        const bytes = await this.#init.whole(cid, { signal })
        if (bytes !== undefined && bytes.length >= LEAST_BYTES) this.#keep(hash, bytes)
        return bytes
      },
      options,
    )
  }

  #keep(hash: string, bytes: Uint8Array): void {
    const slices = hashesOf(bytes)
    this.#known.set(hash, { size: bytes.length, slices }, slices.length + ENTRY_BYTES)
  }
}

/** Not a view, which would keep all of the block in memory. */
function copyOf(bytes: Uint8Array, { offset, length }: ByteRange): Uint8Array {
  checkRange({ offset, length }, bytes.length)
  return Uint8Array.prototype.slice.call(bytes, offset, offset + length)
}

function checkRange({ offset, length }: ByteRange, size: number): void {
  if (offset + length > size)
    throw new RangeError(`bytes ${offset}+${length} of a block of ${size}`)
}

function hashesOf(bytes: Uint8Array): Uint8Array {
  const hashes = []
  for (let at = 0; at < bytes.length; at += SLICE_BYTES)
    hashes.push(sha256(bytes.subarray(at, at + SLICE_BYTES)))
  return Buffer.concat(hashes)
}

/** Reads a part of a file; `undefined` when the file is not there or the slices it lies in are not what they were. */
async function readSlices(
  path: string,
  { offset, length }: ByteRange,
  { size, slices }: Known,
): Promise<Uint8Array | undefined> {
  checkRange({ offset, length }, size)
  const first = Math.floor(offset / SLICE_BYTES)
  const end = Math.ceil((offset + length) / SLICE_BYTES)
  const expected = slices.subarray(first * HASH_BYTES, end * HASH_BYTES)
  const bytes = await readAt(path, first * SLICE_BYTES, (end - first) * SLICE_BYTES)
  const start = offset - first * SLICE_BYTES
  if (bytes === undefined || bytes.length < start + length) return undefined
  if (Buffer.compare(hashesOf(bytes), expected) !== 0) return undefined
  return bytes.subarray(start, start + length)
}

/** So many bytes of a file, or as many as it has; `undefined` when it is not there. */
async function readAt(path: string, at: number, length: number): Promise<Buffer | undefined> {
  let file: FileHandle
  try {
    file = await open(path)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
  try {
    const buffer = Buffer.allocUnsafeSlow(length)
    const { bytesRead } = await file.read(buffer, 0, length, at)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
