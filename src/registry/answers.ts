import type { Digest } from '../oci/digest.ts'
import type { ManifestDescriptor } from '../oci/manifest.ts'
import type { Notice } from '../oci/notice.ts'

export type { Notice } from '../oci/notice.ts'

/** An answer that depends on what mirrors say today. What is asked for by digest does not. */
export interface Noticed {
  readonly notices: readonly Notice[]
}

/** A manifest as it is served. */
export interface ManifestContent extends Noticed {
  readonly digest: Digest
  readonly mediaType: string
  /** The exact bytes that were pushed, already verified against the digest. */
  readonly bytes: Uint8Array
}

/** A page of names, and whether there are more after it. */
export interface NamePage extends Noticed {
  names: string[]
  more: boolean
  /**
   * The name that was looked at last, when that became too much work before the page was full: go on after it. It may be one
   * that the reader may not see.
   */
  stoppedAt?: string | undefined
}

/** A page of the manifests that refer to a subject, in the order of their digests, and whether there are more after it. */
export interface ReferrersList extends Noticed {
  manifests: ManifestDescriptor[]
  more: boolean
}

/** Which page of referrers is wanted. */
export interface ReferrersPage {
  artifactType?: string | undefined
  /** Only digests after this one. */
  after?: string | undefined
  /** Bytes that the descriptors may have together, as JSON; one is always given. Without it, all are. */
  bytes?: number | undefined
}
