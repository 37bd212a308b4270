import { hash, webcrypto } from 'node:crypto'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'

/** Multicodec of a block that is only bytes. */
export const RAW = 0x55
/** Multicodec of a dag-pb node. */
export const DAG_PB = 0x70
/** Multihash code of sha2-256. */
export const SHA2_256 = 0x12

/** The sha2-256 of some bytes. One call without a stream object: the fastest way Node has on this thread. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}

/** From so many bytes on it pays to hash on another thread, for which they are copied. */
const LARGE_BYTES = 128 * 1024

/**
 * The same on another thread, where that pays: this one then has its hands free for the bytes that come next. The bytes
 * must stay as they are until it resolves.
 */
export async function sha256Aside(bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes.length < LARGE_BYTES || !isPlain(bytes)) return sha256(bytes)
  return new Uint8Array(await webcrypto.subtle.digest('SHA-256', bytes))
}

/** Not in memory that threads share, which the Web Crypto API does not take. */
function isPlain(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
}

/** The CIDv1 of a block from its sha2-256. */
export function cidFromHash(codec: typeof RAW | typeof DAG_PB, digest: Uint8Array): CID {
  return CID.createV1(codec, Digest.create(SHA2_256, digest))
}

/** Whether the bytes are what the CID says. Only for sha2-256 CIDs. */
export function matches(cid: CID, bytes: Uint8Array): boolean {
  const actual = sha256(bytes)
  return Buffer.compare(actual, cid.multihash.digest) === 0
}

/** The same, hashed as {@link sha256Aside} does. */
export async function matchesAside(cid: CID, bytes: Uint8Array): Promise<boolean> {
  return Buffer.compare(await sha256Aside(bytes), cid.multihash.digest) === 0
}

/** Whether this is a CID we store and read: raw or dag-pb, sha2-256 with all of its 32 bytes (also CIDv0). */
export function isSupported(cid: CID): boolean {
  return (
    (cid.code === RAW || cid.code === DAG_PB) &&
    cid.multihash.code === SHA2_256 &&
    cid.multihash.digest.length === 32
  )
}

/** The hash of a block as a map key: a raw and a dag-pb CID of the same bytes are one block. */
export function keyOf(cid: CID): string {
  return Buffer.from(cid.multihash.digest).toString('base64url')
}

/** The sha2-256 in hex, which is a block's name on the disk; `undefined` for kinds of block that are never stored. */
export function hashOf(cid: CID): string | undefined {
  return isSupported(cid) ? Buffer.from(cid.multihash.digest).toString('hex') : undefined
}
