import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'

/**
 * The contract of `/heliport/blocks/1`, which docs/network.md draws. Changing what is on the wire needs a new number.
 *
 * A stream carries frames both ways: four bytes of length (big-endian, of all that follows), one byte of type, a body.
 * Whoever opened the stream asks, the other answers, in the order of the questions. A frame that is unknown, longer than
 * its type may be, or not asked for ends the stream.
 */
export const PROTOCOL = '/heliport/blocks/1'

/** Types of frames. */
export const FRAME = {
  /** Asks: the sha2-256 of a root that the asker holds or fetches. Answered by `peers`, now and when they change. */
  hello: 1,
  /** Asks: hashes of blocks. Each is answered by one `block`. */
  want: 2,
  /** Asks: hashes of blocks. Answered by one `held`. */
  has: 3,
  /** Answers: the root, and some peers that said `hello` for it. Comes again when they have changed. */
  peers: 4,
  /** Answers: one byte of status, then the block when it is here. */
  block: 5,
  /** Answers: one bit for each hash, the first in the lowest bit of the first byte; 1 is "here". */
  held: 6,
  /** Unasked, after a `hello`: hashes of blocks under its root that have come here since. */
  news: 7,
} as const

export type FrameType = (typeof FRAME)[keyof typeof FRAME]

/** Status of a block that is not here, or not for this peer. */
export const ABSENT = 0
/** Status of a block that follows. */
export const PRESENT = 1

/** Bytes of a sha2-256. */
export const HASH_BYTES = 32
/** Largest block: the limit of bitswap too. */
export const MAX_BLOCK_BYTES = 2 * 1024 * 1024
/** Hashes in one `want`. */
const MAX_WANTED = 32
/** Hashes in one `has`. */
export const MAX_ASKED = 256
/** Wants of one stream that may be unanswered; one more ends it. */
export const MAX_OPEN_WANTS = 64
/** Roots that one stream may say `hello` for; the oldest is forgotten. */
export const MAX_ROOTS = 8
/** `has` frames of one stream that may be unanswered; one more ends it. */
export const MAX_OPEN_QUESTIONS = 4
/** Peers in one `peers`. */
export const MAX_PEERS = 16
/** Addresses of one peer in it. */
export const MAX_ADDRESSES = 8
/** Bytes of a peer id, and of an address. */
export const MAX_ID_BYTES = 64
export const MAX_ADDRESS_BYTES = 256

/** What the side that asks may send, by type: the longest body in bytes. */
export const QUESTIONS: ReadonlyMap<number, number> = new Map([
  [FRAME.hello, HASH_BYTES],
  [FRAME.want, MAX_WANTED * HASH_BYTES],
  [FRAME.has, MAX_ASKED * HASH_BYTES],
])

/** What the side that answers may send, by type: the longest body in bytes. */
export const ANSWERS: ReadonlyMap<number, number> = new Map([
  [FRAME.news, MAX_ASKED * HASH_BYTES],
  [
    FRAME.peers,
    HASH_BYTES + 1 + MAX_PEERS * (2 + MAX_ID_BYTES + MAX_ADDRESSES * (2 + MAX_ADDRESS_BYTES)),
  ],
  [FRAME.block, 1 + MAX_BLOCK_BYTES],
  [FRAME.held, MAX_ASKED / 8],
])

/** The peer did not keep to the contract. */
export class ProtocolError extends Error {
  static override readonly name = 'ProtocolError'
  override readonly name = 'ProtocolError'
}

const RAW = 0x55
const SHA2_256 = 0x12

/** The block with this hash. On the wire a block has no codec, and our stores do not look at it. */
export function cidOf(hash: Uint8Array): CID {
  return CID.createV1(RAW, Digest.create(SHA2_256, hash))
}
