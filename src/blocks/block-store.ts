import type { ByteRange } from '../registry/ports.ts'
import type { CID } from 'multiformats/cid'

/** Options of every block store call. */
export interface BlockOptions {
  signal?: AbortSignal | undefined
}

/** A part of a block, checked. */
export interface BlockPart {
  readonly bytes: Uint8Array
  /** Of the whole block, in bytes. */
  readonly size: number
}

/**
 * Blocks by CID, on this machine only: it never asks the network.
 *
 * Blocks are kept by multihash, so a raw and a dag-pb CID of the same bytes are one block. Only sha2-256 is stored.
 * Every byte it hands out has been checked against the CID in this very call (promise I5).
 */
export interface BlockStore {
  /**
   * The block, or `undefined` when it is not here.
   *
   * @throws DamagedBlockError when it is here but is not what the CID says (promise I3: never "not there")
   * @throws the system's error when it could not be read (EIO, EMFILE, EACCES …)
   */
  get(cid: CID, options?: BlockOptions): Promise<Uint8Array | undefined>
  /**
   * Some bytes of a large block, in memory of their own, read without the rest where that can be had.
   *
   * @throws as {@link BlockStore.get}; RangeError when the block has no such part
   */
  part?(cid: CID, part: ByteRange, options?: BlockOptions): Promise<BlockPart | undefined>
  /** Whether a block with this CID is stored, without reading it. Says nothing about its health. */
  has(cid: CID, options?: BlockOptions): Promise<boolean>
  /** Size in bytes of the stored block, without reading it; `undefined` when it is not here. */
  size(cid: CID, options?: BlockOptions): Promise<number | undefined>
  /**
   * Keeps a block. An existing one is checked, and mended when damaged. The caller vouches that `bytes` match `cid`
   * (it has just hashed them). Durable only after the next {@link BlockStore.sync}, or a commit.
   */
  put(cid: CID, bytes: Uint8Array, options?: BlockOptions): Promise<void>
  /** Returns when every block whose `put` had resolved is safe on disk. */
  sync(): Promise<void>
  /** As long as it is held, what is put is not collected, also when nothing links it for long. */
  hold?(): Disposable
}

/** A block that is stored but whose bytes are not what its CID says. */
export class DamagedBlockError extends Error {
  static override readonly name = 'DamagedBlockError'
  override readonly name = 'DamagedBlockError'
  readonly cid: CID

  constructor(cid: CID, what: string, options?: ErrorOptions) {
    super(`block ${cid} is damaged: ${what}`, options)
    this.cid = cid
  }
}

/** A block that is needed, and is neither here nor to be had from any peer. */
export class MissingBlockError extends Error {
  static override readonly name = 'MissingBlockError'
  override readonly name = 'MissingBlockError'
  readonly cid: CID

  constructor(cid: CID, options?: ErrorOptions) {
    super(`block ${cid} is missing`, options)
    this.cid = cid
  }
}
