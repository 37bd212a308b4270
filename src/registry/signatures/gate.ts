import { MANIFEST_MAX_BYTES } from '../../oci/manifest.ts'
import { readAll } from '../read-all.ts'
import { isAboutOthers } from './artifact.ts'
import { readServed } from './evidence.ts'
import { isSigned } from './find-signature.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/name.ts'
import type { Abortable, Content, RegistryReader } from '../ports.ts'
import type { ReadManifest } from './evidence.ts'
import type { KeySet } from './key-set.ts'
import type { SignedBook } from './signed-book.ts'

/** What a manifest is looked for in. */
export interface Place {
  readonly reader: RegistryReader
  readonly name: RepositoryName
}

/**
 * Decides which manifests pass under a set of keys:
 * - what one of the keys signed;
 * - what a manifest that passed names, as an index does its images: whoever signs the one signs the others' digests;
 * - what only tells about others (signatures, attestations, bills of materials), so that clients can verify on their own.
 *
 * Blobs have no signatures: what a client does with one is said by the manifest that names it. But a manifest does not
 * pass as a blob either.
 */
export class SignatureGate {
  readonly keys: KeySet
  readonly #book: SignedBook

  constructor(keys: KeySet, book: SignedBook) {
    this.keys = keys
    this.#book = book
  }

  /** What is known of a manifest without a look at it: it was found signed, or one that passed names it. */
  standing(digest: Digest): 'signed' | 'named' | undefined {
    return this.#book.standing(this.keys.id, digest)
  }

  /**
   * @param bytes the manifest, proven
   * @throws what the reader throws, when a signature could not be looked for
   */
  async passes(
    place: Place,
    digest: Digest,
    bytes: Uint8Array,
    options: Abortable,
  ): Promise<boolean> {
    const standing = this.standing(digest)
    if (standing === 'signed') return true
    const manifest = readServed(digest, bytes)
    if (manifest === undefined) return false
    if (standing === 'named') {
      // An index in an index: what it names passes too.
      if (manifest.facts.kind === 'index') await this.#remember(manifest)
      return true
    }
    if (isAboutOthers(manifest.facts)) return true
    if (!(await isSigned(place.reader, place.name, manifest, this.keys, options))) return false
    await this.#remember(manifest)
    return true
  }

  /** Whether a blob passes: everything that is not a manifest does. */
  async blobPasses(place: Place, content: Content, options: Abortable): Promise<boolean> {
    if (content.size > MANIFEST_MAX_BYTES || this.standing(content.digest) !== undefined)
      return true
    const bytes = await readAll(content, options)
    if (readServed(content.digest, bytes) === undefined) return true
    return this.passes(place, content.digest, bytes, options)
  }

  #remember({ digest, facts }: ReadManifest): Promise<void> {
    return this.#book.add(
      this.keys.id,
      digest,
      facts.manifests.map((child) => child.digest),
    )
  }
}
