import { digestOf } from '../../src/oci/digest.ts'
import { SeededRandom } from '../faults/random.ts'
import type { DigestAlgorithm } from '../../src/oci/digest.ts'

const KiB = 1024
const MiB = 1024 * KiB

/**
 * Sizes around every border of the block store: nothing, one byte, the largest block of the database, one leaf. So few
 * contents that the same are pushed, mounted and deleted again and again, and the registry does not grow for ever.
 */
const SMALL = [0, 1, 2, 100, 1000, 16 * KiB - 1, 16 * KiB, 16 * KiB + 1]
const LARGE = [MiB - 1, MiB, MiB + 1, 2 * MiB + 700_001]

/** How many contents there are, and how many of them, the first, are small. */
export const CONTENTS = 48
export const SMALL_CONTENTS = CONTENTS - LARGE.length

const made = new Map<number, Buffer>()

/** The bytes with that number, always the same. */
export function contentOf(number: number): Buffer {
  const which = number % CONTENTS
  const bytes = made.get(which) ?? make(which)
  made.set(which, bytes)
  return bytes
}

function make(which: number): Buffer {
  const large = LARGE[which - SMALL_CONTENTS]
  const size = large ?? SMALL[which % SMALL.length] ?? 0
  const random = new SeededRandom(which)
  const bytes = Buffer.alloc(size)
  // A pattern is enough for large ones: what matters is that no two are the same.
  if (large !== undefined) return bytes.fill(`${which} ${random.next()} `)
  for (let at = 0; at < size; at++) bytes[at] = random.between(0, 256)
  return bytes
}

const digests = new Map<string, string>()

/** The digest of a content. */
export function contentDigest(number: number, algorithm: DigestAlgorithm = 'sha256'): string {
  const key = `${algorithm} ${number % CONTENTS}`
  const digest = digests.get(key) ?? digestOf(contentOf(number), algorithm)
  digests.set(key, digest)
  return digest
}
