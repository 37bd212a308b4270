import { LiveSet } from '../blocks/live-set.ts'
import { hexOf } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'

/**
 * What the links of one tree name, and which of it is in the tree's `blobs/`: 25 to 45 bytes of memory for each digest.
 * Looking each up in the tree would decode the same large directories for every link.
 */
export class LinkTargets {
  readonly #wanted = new LiveSet()
  readonly #manifests = new LiveSet()
  readonly #there = new LiveSet()
  /** How many are wanted and there. */
  #found = 0

  /** A link names this. All links come before all bytes. */
  want(digest: Digest, links: 'blob' | 'manifest'): void {
    this.#wanted.add(hashOf(digest))
    if (links === 'manifest') this.#manifests.add(hashOf(digest))
  }

  /** Whether a link says that this is a manifest. */
  isManifest(digest: Digest): boolean {
    return this.#manifests.has(hashOf(digest))
  }

  /** There are bytes under this digest. */
  isThere(digest: Digest): void {
    const hash = hashOf(digest)
    if (this.#there.has(hash)) return
    this.#there.add(hash)
    if (this.#wanted.has(hash)) this.#found++
  }

  has(digest: Digest): boolean {
    return this.#there.has(hashOf(digest))
  }

  get areAllThere(): boolean {
    return this.#found === this.#wanted.size
  }
}

/** The first 32 bytes: of a sha512, that is more than enough to tell it from others. */
function hashOf(digest: Digest): Uint8Array {
  return Buffer.from(hexOf(digest).slice(0, 64), 'hex')
}
