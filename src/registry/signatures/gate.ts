import { MANIFEST_MAX_BYTES } from '../../oci/manifest.ts'
import { isAttachmentTag } from '../../oci/companion-tag.ts'
import { readAll } from '../read-all.ts'
import { claimedDocuments } from './artifact.ts'
import { Documents } from './documents.ts'
import { readServed } from './evidence.ts'
import { isSigned } from './find-signature.ts'
import type { Digest } from '../../oci/digest.ts'
import type { ManifestFacts } from '../../oci/manifest.ts'
import type { Tag } from '../../oci/name.ts'
import type { Abortable, Content } from '../ports.ts'
import type { Place, ReadManifest } from './evidence.ts'
import type { KeySet } from './key-set.ts'
import type { SignedBook } from './signed-book.ts'

/** What is asked for: where, and how. */
export interface Asked extends Place {
  /** The tag under which it was asked for; `undefined` when it was by its digest. */
  readonly tag?: Tag | undefined
}

/**
 * Decides which manifests pass under a set of keys:
 * - what one of the keys signed;
 * - what a manifest that passed names, as an index does its images: whoever signs the one signs the others' digests;
 * - what holds nothing but documents about others (signatures, attestations, bills of materials), so that clients can
 *   verify on their own. All of it is read, since its types are only what it says of itself; and it is asked for as clients
 *   do who verify: by a digest, which the list of referrers tells, or under one of cosign's tags. Under any other tag
 *   stands what a user means to run or use, and nothing of this kind.
 *
 * Blobs have no signatures: what a client does with one is said by the manifest that names it. But a manifest does not
 * pass as a blob either.
 */
export class SignatureGate {
  readonly keys: KeySet
  readonly #book: SignedBook
  readonly #documents: Documents

  /** @param documents what is known of documents, which is the same under all keys */
  constructor(keys: KeySet, book: SignedBook, documents = new Documents()) {
    this.keys = keys
    this.#book = book
    this.#documents = documents
  }

  /** What is known of a manifest without a look at it: it was found signed, or one that passed names it. */
  standing(digest: Digest): 'signed' | 'named' | undefined {
    return this.#book.standing(this.keys.id, digest)
  }

  /**
   * @param bytes the manifest, proven
   * @throws what the reader throws, when a signature could not be looked for
   */
  passes(asked: Asked, digest: Digest, bytes: Uint8Array, options: Abortable): Promise<boolean> {
    return this.#decide(asked, digest, bytes, options, async (facts) => {
      return mayBeDocuments(asked) && this.#documents.isNothingElse(asked, facts, options)
    })
  }

  /**
   * Whether a list may tell that a manifest is here. What says that it is documents is read when somebody asks for it, and
   * not all of it for a list.
   *
   * @param place with the effort of the whole list
   * @throws as {@link passes}
   */
  lists(place: Place, digest: Digest, bytes: Uint8Array, options: Abortable): Promise<boolean> {
    return this.#decide(
      place,
      digest,
      bytes,
      options,
      async (facts) => claimedDocuments(facts) !== undefined,
    )
  }

  async #decide(
    place: Place,
    digest: Digest,
    bytes: Uint8Array,
    options: Abortable,
    isDocuments: (facts: ManifestFacts) => Promise<boolean>,
  ): Promise<boolean> {
    const standing = this.standing(digest)
    if (standing === 'signed') return true
    const manifest = readServed(digest, bytes)
    if (manifest === undefined) return false
    const { facts } = manifest
    if (standing === 'named') {
      // An index in an index: what it names passes too.
      if (facts.kind === 'index') await this.#remember(manifest)
      return true
    }
    if (await isDocuments(facts)) return true
    if (!(await isSigned(place, manifest, this.keys, options))) return false
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

/** Whether what is asked for so need not be signed when it is nothing but documents. */
export function mayBeDocuments({ tag }: Pick<Asked, 'tag'>): boolean {
  return tag === undefined || isAttachmentTag(tag)
}
