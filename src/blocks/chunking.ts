/**
 * Chunking is protocol: these numbers decide which CID some content gets, and two nodes exchange blocks only where
 * they agree. They are the profile `unixfs-v1-2025` (IPIP-499). Never change one without a new tree version.
 */

const KiB = 1024
const MiB = 1024 * KiB

/** Files: CIDv1, raw leaves of this size, the last one shorter. What fits in one leaf is that one raw block. */
export const CHUNK_BYTES = 1 * MiB

/** Files: children of one inner node of the balanced tree. */
export const FILE_LINKS = 1024

/** Directories: flat while the encoded block is at most this long, else a HAMT. */
export const FLAT_DIRECTORY_BYTES = 256 * KiB

/** Directories: slots of a HAMT node (murmur3-x64-64, one byte of the hash for each level). */
export const HAMT_FANOUT = 256

/** The multihash code of murmur3-x64-64, which a HAMT node names as its `hashType`. */
export const HAMT_HASH_CODE = 0x22n

/**
 * Limits on what we accept from others (DESIGN §6, "A mirror's tree is hostile input"). Ours stay far below.
 */
export const LIMITS = {
  /** Largest block, which is also the largest that bitswap moves between implementations. */
  blockBytes: 2 * MiB,
  /** Links in one dag-pb node. Files have 1,024 (older ones 174), a flat directory of 256 KiB some thousands. */
  links: 10_000,
  /** Levels of a file's tree. Seven levels of two links each already hold more than any blob we take. */
  fileDepth: 16,
  /** Levels of a HAMT: 64 bits of hash at 8 bits each. */
  hamtDepth: 8,
  /** Mean leaf size below which a large file is refused, in bytes: a file of tiny leaves is an attack on our time. */
  meanLeafBytes: 4 * KiB,
  /** Entries that one directory may list: their names alone are 20 MiB of memory. */
  directoryEntries: 250_000,
} as const
