import { hash } from 'node:crypto'
import { RefusedBlockError } from './errors.ts'
import type { CID } from 'multiformats/cid'

/** Largest block taken from a peer: the bitswap specification's limit. */
const MAX_BLOCK_BYTES = 2 * 1024 * 1024

const RAW = 0x55
const DAG_PB = 0x70
const SHA2_256 = 0x12

/** The hash of a block as a map key: a raw and a dag-pb CID of the same bytes are one block. */
export function keyOf(cid: CID): string {
  return keyOfHash(cid.multihash.digest)
}

/** The same, of the hash alone. */
export function keyOfHash(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('base64url')
}

/** Whether a block is bytes of a file, and no node. */
export function isLeaf(cid: CID): boolean {
  return cid.code === RAW
}

/** @throws RefusedBlockError when a block under this CID is of a kind we never ask for */
export function refuseForeign(cid: CID): void {
  if (cid.code !== RAW && cid.code !== DAG_PB)
    throw new RefusedBlockError(cid, 'it is neither raw nor dag-pb')
  if (cid.multihash.code !== SHA2_256 || cid.multihash.digest.length !== 32) {
    throw new RefusedBlockError(cid, 'its hash is not sha2-256')
  }
}

/**
 * Whether these bytes are that block. Bitswap's own check is not enough: it compares the digest under the hash that
 * the peer named, so a peer may name the identity hash and send the digest itself as the block.
 */
export function isBlock(cid: CID, bytes: Uint8Array): boolean {
  if (bytes.length > MAX_BLOCK_BYTES) return false
  return hash('sha256', bytes, 'buffer').equals(cid.multihash.digest)
}
