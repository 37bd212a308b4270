import type { Digest } from '../oci/digest.ts'
import type { Abortable } from './asked.ts'

/** A part of some content, in bytes. */
export interface ByteRange {
  offset: number
  length: number
}

/** Content that a reader found: its size is known, its bytes come when asked for. */
export interface Content {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  /** Which bytes these are, opaque to the rules (the CID): the same id always means the same bytes. */
  readonly id: string
  /** True when `id` itself proves the digest (a raw block whose multihash is the sha256): nothing is left to verify. */
  readonly proven?: boolean
  /** True while a part can only be had after the whole has been read once: whoever wants all of it had better ask for all. */
  readonly isWholeFirst?: boolean
  /**
   * Streams the bytes (all of them, or a range) with a bounded read-ahead. May be called more than once.
   * Stops reading when the consumer stops or the signal aborts.
   *
   * `piece` is for a consumer that is slow, or one of many: where that can be had, it gets so many bytes at a time, nothing
   * is read before it is asked for, and nothing is kept in memory beside that.
   *
   * @throws when a byte could not be read, or turned out not to be what the digest promised
   */
  open(options?: OpenOptions): AsyncIterable<Uint8Array>
  /**
   * As long as it is held, nothing of it is collected, whatever is deleted meanwhile: for whoever opens it part by part.
   * What {@link open} gave holds by itself.
   */
  hold?(): Disposable | undefined
}

/** How content is read. */
export interface OpenOptions extends Abortable {
  /** All of it when absent. */
  readonly range?: ByteRange | undefined
  /** Bytes. */
  readonly piece?: number | undefined
}

/** Content that is whole on disk and waits to be linked into the tree. */
export interface StoredContent {
  readonly digest: Digest
  readonly size: number
  /** As {@link Content.id}. */
  readonly id: string
  /** Bytes of the content and of the nodes above it: what IPFS calls the Tsize of a link to it. */
  readonly treeSize: number
}
