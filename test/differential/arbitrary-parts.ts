import fc from 'fast-check'
import { MANIFESTS } from './manifests.ts'
import { BLOBS, NOWHERE, REPOSITORIES, SMALL_BLOBS, TAGS } from './universe.ts'
import type { DigestAlgorithm } from '../../src/oci/digest.ts'
import type { DigestPlan } from './step.ts'
import type { BlobId } from './universe.ts'

/** One of many times: most requests are those of an honest client, or no sequence would get anywhere. */
export function rarely<T, U>(weight: number, rare: fc.Arbitrary<T>, usual: fc.Arbitrary<U>) {
  return fc.oneof({ weight: 100 - weight, arbitrary: usual }, { weight, arbitrary: rare })
}

/** One of these, or nothing in most cases. */
export function seldom<T>(weight: number, rare: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return rarely(weight, rare, fc.constant(undefined))
}

/** The first one is where most happens. */
export const repository = fc.oneof(
  { weight: 3, arbitrary: fc.constant(REPOSITORIES[0]) },
  { weight: 2, arbitrary: fc.constantFrom(...REPOSITORIES) },
)

export const tag = fc.constantFrom(...TAGS)
export const manifestId = fc.constantFrom(...MANIFESTS)
export const blobId: fc.Arbitrary<BlobId> = rarely(
  10,
  fc.constantFrom(...BLOBS),
  fc.constantFrom(...SMALL_BLOBS),
)
export const algorithm: fc.Arbitrary<DigestAlgorithm> = rarely(
  15,
  fc.constant('sha512'),
  fc.constant('sha256'),
)

export const blobNamed: fc.Arbitrary<DigestPlan> = fc.record({ blob: blobId, algorithm })

const HEX = NOWHERE.slice('sha256:'.length)

/** What is no digest, or is none that is here. */
export const oddDigest = fc.constantFrom(
  NOWHERE,
  `sha256:${HEX.slice(1)}`,
  `sha256:${HEX}0`,
  `sha256:${HEX.toUpperCase()}`,
  `SHA256:${HEX}`,
  `sha512:${HEX}`,
  'sha256:abc',
  'sha256:',
  'md5:d41d8cd98f00b204e9800998ecf8427e',
  `sha384:${HEX}${HEX.slice(0, 32)}`,
  `sha256+b64:${HEX}`,
  `sha256:../../${HEX}`,
)

export const anyDigest: fc.Arbitrary<DigestPlan> = fc.oneof(
  { weight: 20, arbitrary: blobNamed },
  { weight: 3, arbitrary: fc.record({ manifest: manifestId }) },
  { weight: 2, arbitrary: fc.record({ text: oddDigest }) },
)

/** `If-None-Match` */
export const match = fc.constantFrom('right', '*', 'W/right', '"other", right', '"other"', NOWHERE)

/** Distribution heeds no condition of what changes something: there it is for Heliport alone (`registry/preconditions.spec`). */
export function isRead(method: string): boolean {
  return method !== 'DELETE'
}
