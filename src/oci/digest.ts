import { createHash } from 'node:crypto'
import { RegistryError } from './errors.ts'
import { shown } from './shown.ts'

/**
 * A digest as the OCI image-spec writes it (descriptor.md, "Digests"): `sha256:<64 hex>` or `sha512:<128 hex>`.
 * The brand says that it was parsed; nothing else may be used in a path or compared with content.
 */
export type Digest = string & { readonly __brand: 'Digest' }

/** The registered algorithms (image-spec descriptor.md, "Registered Algorithms") that Heliport verifies. */
export type DigestAlgorithm = 'sha256' | 'sha512'

const HEX_LENGTH: Record<DigestAlgorithm, number> = { sha256: 64, sha512: 128 }
const PATTERN = /^(sha256|sha512):([a-f0-9]+)$/

/**
 * Reads a digest; `undefined` when the text is not one we can verify.
 * Upper-case hex is refused: the image-spec's grammar for both algorithms is lower-case only.
 */
export function tryParseDigest(text: unknown): Digest | undefined {
  if (typeof text !== 'string' || text.length > 7 + 128) return undefined
  const match = PATTERN.exec(text)
  if (match === null) return undefined
  const algorithm = match[1] as DigestAlgorithm
  return match[2]?.length === HEX_LENGTH[algorithm] ? (text as Digest) : undefined
}

/**
 * Reads a digest from a request.
 *
 * @throws RegistryError DIGEST_INVALID when it is not `sha256:` or `sha512:` with lower-case hex of the right length
 */
export function parseDigest(text: unknown): Digest {
  const digest = tryParseDigest(text)
  if (digest === undefined) {
    throw new RegistryError('DIGEST_INVALID', {
      message: 'a digest is sha256:<64 hex digits> or sha512:<128 hex digits>, in lower case',
      detail: { digest: shown(text, 160) },
    })
  }
  return digest
}

/** The algorithm before the colon. */
export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha256') ? 'sha256' : 'sha512'
}

/** The hex digits after the colon. */
export function hexOf(digest: Digest): string {
  return digest.slice(7)
}

/** Builds a digest from an algorithm and the hash's raw bytes. */
export function digestFromBytes(algorithm: DigestAlgorithm, bytes: Uint8Array): Digest {
  return `${algorithm}:${Buffer.from(bytes).toString('hex')}` as Digest
}

/** The digest of bytes that are all in memory (manifests, small blobs). */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest
}

/** A hash that takes content piece by piece. */
export interface Hasher {
  readonly algorithm: DigestAlgorithm
  update(bytes: Uint8Array): void
  /** The digest of all that was given. Ends the hasher. */
  digest(): Digest
}

/** Starts a hash for content that streams by. */
export function createHasher(algorithm: DigestAlgorithm): Hasher {
  const hash = createHash(algorithm)
  return {
    algorithm,
    update: (bytes) => void hash.update(bytes),
    digest: () => `${algorithm}:${hash.digest('hex')}` as Digest,
  }
}
