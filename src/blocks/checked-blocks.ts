import { DamagedBlockError, MissingBlockError } from './block-store.ts'
import { matchesAside } from './cids.ts'
import { LiveSet } from './live-set.ts'
import type { BlockSource } from './block-source.ts'
import type { BlockOptions } from './block-store.ts'
import type { StoredBlocks } from './stored-blocks.ts'
import type { CID } from 'multiformats/cid'

/** What the system says of a file that is there and cannot be read. Anything else, as EMFILE, says nothing about the file. */
const UNREADABLE = new Set(['EIO', 'EACCES', 'EPERM', 'EISDIR', 'EUCLEAN', 'EBADMSG', 'ELOOP'])

/** What {@link CheckedBlocks} work with. */
export interface CheckedBlocksInit {
  readonly stored: StoredBlocks
  /** Brings a block that is damaged or missing back. @throws the failure when nobody has it */
  readonly mend?:
    | ((cid: CID, failure: Error, options: BlockOptions) => Promise<Uint8Array>)
    | undefined
  /** Told of each block that was brought back. */
  readonly onMended?: ((cid: CID, failure: Error) => void) | undefined
  /** Told of each block when it is found whole for the first time. */
  readonly onWhole?: ((bytes: number) => void) | undefined
}

/** The blocks of this disk for whoever checks all of it: remembers which were whole, 25 to 45 bytes of memory for each. */
export class CheckedBlocks implements BlockSource {
  readonly readAhead = 2
  readonly #init: CheckedBlocksInit
  readonly #whole = new LiveSet()
  /** Those that nobody has, so that nobody is asked for them twice. */
  readonly #lost = new LiveSet()

  constructor(init: CheckedBlocksInit) {
    this.#init = init
  }

  /** Whether a block was read here, and was whole or not. */
  wasSeen({ multihash: { digest } }: CID): boolean {
    return this.#whole.has(digest) || this.#lost.has(digest)
  }

  /** @throws DamagedBlockError, MissingBlockError; the error of a disk that reads nothing at all */
  async get(cid: CID, options: BlockOptions = {}): Promise<Uint8Array> {
    options.signal?.throwIfAborted()
    const found = await lookAt(this.#init.stored, cid)
    const bytes = found instanceof Error ? await this.#mend(cid, found, options) : found
    const { digest } = cid.multihash
    if (!this.#whole.has(digest)) {
      this.#whole.add(digest)
      this.#init.onWhole?.(bytes.length)
    }
    return bytes
  }

  size(cid: CID): Promise<number | undefined> {
    return this.#init.stored.size(cid)
  }

  async #mend(cid: CID, failure: Error, options: BlockOptions): Promise<Uint8Array> {
    const { mend, onMended } = this.#init
    const { digest } = cid.multihash
    try {
      if (mend === undefined || this.#lost.has(digest)) throw failure
      const bytes = await mend(cid, failure, options)
      onMended?.(cid, failure)
      return bytes
    } catch {
      options.signal?.throwIfAborted()
      // Whatever kept it from being mended, a disk that takes nothing included, it is as damaged as before.
      this.#lost.add(digest)
      throw failure
    }
  }
}

/**
 * A block as it is stored, checked against its hash, or what is wrong with it.
 *
 * @throws the error of a disk that reads nothing at all
 */
export async function lookAt(
  stored: StoredBlocks,
  cid: CID,
): Promise<Uint8Array | DamagedBlockError | MissingBlockError> {
  try {
    const bytes = await stored.read(cid)
    if (bytes === undefined) return new MissingBlockError(cid)
    if (await matchesAside(cid, bytes)) return bytes
    return new DamagedBlockError(cid, `its ${bytes.length} bytes have another hash`)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    if (!UNREADABLE.has(code)) throw cause
    return new DamagedBlockError(cid, `it cannot be read (${code})`, { cause })
  }
}
