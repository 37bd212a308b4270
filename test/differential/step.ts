import type { DigestAlgorithm } from '../../src/oci/digest.ts'
import type { Flaw } from './flaws.ts'
import type { ManifestId } from './manifests.ts'
import type { BlobId, Repository } from './universe.ts'

/*
 * What a sequence consists of. Steps are plain data, so that fast-check can shrink and print them, and they are
 * symbolic: an upload is named by how many uploads ago it was begun, and its address is what each registry said.
 */

/** A digest that is written into a request. */
export type DigestPlan =
  | { blob: BlobId; algorithm: DigestAlgorithm }
  | { manifest: ManifestId }
  | { text: string }

/** How the `Content-Range` of a chunk stands to what the upload has. */
export type RangePlan =
  | 'none'
  | 'right'
  | 'gap'
  | 'repeated'
  | 'longer than the body'
  | 'shorter than the body'
  | 'gap, and longer than the body'
  | 'backwards'
  | 'with a unit'
  | 'text'

/** How much of the rest of its blob is sent. */
export type Amount = 'nothing' | 'some' | 'the rest'

/** One upload among those that the sequence began: 0 is the latest one. */
interface OfUpload {
  upload: number
  /** Asked for in another repository than its own. */
  in?: Repository
}

export interface Start {
  do: 'start'
  repository: Repository
  /** What is going to be sent. */
  blob: BlobId
  algorithm?: DigestAlgorithm | 'md5'
}

export interface Single {
  do: 'single'
  repository: Repository
  blob: BlobId
  digest: DigestPlan
}

export interface Mount {
  do: 'mount'
  repository: Repository
  digest: DigestPlan
  from: Repository | 'nowhere' | 'No/Name' | undefined
}

export interface Append extends OfUpload {
  do: 'append'
  amount: Amount
  range: RangePlan
  type?: string
  /** Without a Content-Length. */
  chunked?: boolean
}

export interface Finish extends OfUpload {
  do: 'finish'
  amount: Amount
  range: RangePlan
  /** `right` is what the content that was announced has. */
  digest: 'right' | 'right, by sha512' | 'missing' | DigestPlan
}

export interface Status extends OfUpload {
  do: 'status'
  method: 'GET' | 'HEAD'
}

export interface Cancel extends OfUpload {
  do: 'cancel'
}

export interface BlobStep {
  do: 'blob'
  method: 'GET' | 'HEAD' | 'DELETE'
  repository: Repository
  digest: DigestPlan
  range?: string
  /** `If-None-Match`; `right` is the digest in quotes. */
  match?: string
}

export interface Put {
  do: 'put'
  repository: Repository
  manifest: ManifestId
  flaw?: Flaw | undefined
  to: { tag: string } | { digest: 'right' | 'right, by sha512' | 'wrong' }
  /** `right` is what the manifest says. */
  type: string | undefined
  /** `?tag=` */
  tags?: string[]
}

export interface ManifestStep {
  do: 'manifest'
  method: 'GET' | 'HEAD' | 'DELETE'
  repository: Repository
  to: { tag: string } | { digest: DigestPlan }
  accept?: string
  range?: string
  match?: string
}

export interface Tags {
  do: 'tags'
  repository: Repository
  n?: string
  last?: string
}

export interface Catalog {
  do: 'catalog'
  n?: string
  last?: Repository
}

export interface Referrers {
  do: 'referrers'
  repository: Repository
  digest: DigestPlan
  filter?: string
}

/** Anything else: `{}` in the path stands for the sequence's own prefix. */
export interface Other {
  do: 'other'
  method: string
  path: string
}

export type UploadStep = Append | Finish | Status | Cancel

export type Step =
  | Start
  | Single
  | Mount
  | UploadStep
  | BlobStep
  | Put
  | ManifestStep
  | Tags
  | Catalog
  | Referrers
  | Other
