import { isRegistryError } from '../oci/errors.ts'
import { readManifest, referrerDescriptor } from '../oci/manifest.ts'
import type { Digest } from '../oci/digest.ts'
import type { ManifestDescriptor, ManifestFacts } from '../oci/manifest.ts'

/** What serving and listing need to know of a stored manifest. */
export interface StoredFacts {
  readonly mediaType: string
  readonly subject: Digest | undefined
  /** As the referrers list shows it. */
  readonly descriptor: ManifestDescriptor
}

/** Larger manifests are parsed each time: their annotations could make the cache as large as they are. */
const CACHED_MANIFEST_BYTES = 16 * 1024
/** So at most 32 MiB, and usually 1. */
const CACHED_MANIFESTS = 2048
/** Sizes that are remembered of what manifests describe: some 4 MiB. */
const SIZES = 20_000

/** Facts of stored manifests, by digest: the same bytes always have the same. */
export class FactsCache {
  readonly #facts = new Map<Digest, StoredFacts>()
  readonly #sizes = new Map<Digest, number>()

  /** What is known without the bytes. */
  peek(digest: Digest): StoredFacts | undefined {
    const facts = this.#facts.get(digest)
    if (facts !== undefined) this.#touch(digest, facts)
    return facts
  }

  /**
   * Facts of these bytes; `undefined` when they are not a manifest we would have taken.
   *
   * @param digest proven for the bytes
   */
  of(digest: Digest, bytes: Uint8Array): StoredFacts | undefined {
    const known = this.peek(digest)
    if (known !== undefined) return known
    const manifest = parse(bytes)
    if (manifest === undefined) return undefined
    this.#noteSizes(manifest)
    const descriptor = referrerDescriptor(manifest, digest, bytes.length)
    const { mediaType, subject } = manifest
    const facts = { mediaType, subject: subject?.digest, descriptor }
    if (bytes.length <= CACHED_MANIFEST_BYTES) this.#touch(digest, facts)
    return facts
  }

  /** What the manifest that was read last says of the size of some content, in bytes. It need not be true. */
  sizeOf(digest: Digest): number | undefined {
    return this.#sizes.get(digest)
  }

  #noteSizes({ config, layers, manifests }: ManifestFacts): void {
    for (const { digest, size } of [...(config ? [config] : []), ...layers, ...manifests]) {
      this.#sizes.delete(digest)
      this.#sizes.set(digest, size)
    }
    for (const oldest of this.#sizes.keys()) {
      if (this.#sizes.size <= SIZES) break
      this.#sizes.delete(oldest)
    }
  }

  /** Makes an entry the newest, and drops the oldest when there are too many. */
  #touch(digest: Digest, facts: StoredFacts): void {
    this.#facts.delete(digest)
    this.#facts.set(digest, facts)
    for (const oldest of this.#facts.keys()) {
      if (this.#facts.size <= CACHED_MANIFESTS) break
      this.#facts.delete(oldest)
    }
  }
}

function parse(bytes: Uint8Array): ManifestFacts | undefined {
  try {
    return readManifest(bytes)
  } catch (error) {
    if (isRegistryError(error, 'MANIFEST_INVALID')) return undefined
    throw error
  }
}
