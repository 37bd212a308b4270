import { createHash } from 'node:crypto'
import { digestOf } from '../../src/oci/digest.ts'
import type { Digest, DigestAlgorithm } from '../../src/oci/digest.ts'

/*
 * The small world that all sequences play in: few names and few contents, so that requests meet each other, and so
 * that 20,000 sequences do not fill a disk.
 */

/** Repositories, below the prefix of a sequence: nested, and sorted differently by bytes and by path. */
export const REPOSITORIES = ['a', 'a/b', 'a-b', 'a/manifests'] as const
export type Repository = (typeof REPOSITORIES)[number]

const MiB = 1024 * 1024

/** Bytes that are always the same and do not repeat: a hash of a counter. */
function bytes(seed: string, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    createHash('sha256').update(`${seed} ${index}`).digest(),
  )
  return Buffer.concat(blocks).subarray(0, length)
}

/** Sizes around the border of a leaf of our tree, and the small ones that tools really send. */
const CONTENTS = {
  empty: Buffer.alloc(0),
  byte: Buffer.from('x'),
  json: Buffer.from('{}'),
  config: Buffer.from(
    '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}',
  ),
  layer: bytes('layer', 1500),
  other: bytes('other', 700),
  'below a MiB': bytes('below', MiB - 1),
  'over a MiB': bytes('over', MiB + 1),
} as const

export type BlobId = keyof typeof CONTENTS
export const BLOBS = Object.keys(CONTENTS) as BlobId[]
/** Those that can be sent often. */
export const SMALL_BLOBS = BLOBS.filter((blob) => CONTENTS[blob].length < MiB / 2)

export function contentOf(blob: BlobId): Buffer {
  return CONTENTS[blob]
}

const digests = new Map<string, Digest>()

export function blobDigest(blob: BlobId, algorithm: DigestAlgorithm = 'sha256'): Digest {
  const key = `${algorithm} ${blob}`
  const digest = digests.get(key) ?? digestOf(CONTENTS[blob], algorithm)
  digests.set(key, digest)
  return digest
}

/** A digest of nothing that is ever here. */
export const NOWHERE = digestOf(Buffer.from('nowhere'))

/** Tags, of which the last is the one that clients without the referrers API would use for `NOWHERE`. */
export const TAGS = [
  'latest',
  'v1',
  'v1.0',
  'V2',
  '_',
  'x'.repeat(128),
  NOWHERE.replace(':', '-'),
] as const
