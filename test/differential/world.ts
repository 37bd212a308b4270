import { digestOf } from '../../src/oci/digest.ts'
import { manifestDigest } from './manifests.ts'
import { NOWHERE, blobDigest } from './universe.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { DigestPlan, Step } from './step.ts'
import type { BlobId, Repository } from './universe.ts'

/** The two registries: ours, and the one that it is compared with. */
export type Side = 'heliport' | 'reference'
export const SIDES = ['heliport', 'reference'] as const

/** One value for each of them. */
export type Both<T> = Readonly<Record<Side, T>>

/** An upload that both have begun. */
export interface Upload {
  readonly repository: Repository
  readonly blob: BlobId
  /** Where each says that it goes on. */
  readonly locations: Record<Side, string>
  /** Bytes that both have taken. */
  sent: number
  /** Whether it has not ended yet, as far as we know. */
  open: boolean
}

/** A manifest that was taken. */
export interface Taken {
  readonly bytes: Buffer
  readonly mediaType: string
}

/** What is in one repository. */
export interface Contents {
  /** Their digests, as they were pushed. */
  readonly blobs: Set<string>
  /** By their digests. */
  readonly manifests: Map<string, Taken>
  /** The digest that each tag has. */
  readonly tags: Map<string, string>
}

/** What one sequence has done so far, and what its steps stand for. */
export class World {
  /** Before all its repositories, so that sequences do not meet. */
  readonly prefix: string
  readonly uploads: Upload[] = []
  /** What has to be in both by now, as far as Heliport has acknowledged it. */
  readonly #contents = new Map<Repository, Contents>()
  /** What is looked at again in the end: all that was touched. */
  readonly audit = new Map<string, Step>()

  constructor(prefix: string) {
    this.prefix = prefix
  }

  /** The whole name of a repository. */
  name(repository: string): string {
    return `${this.prefix}/${repository}`
  }

  /** The upload that was begun so many uploads ago. */
  upload(ago: number): Upload | undefined {
    return this.uploads.at(-1 - (ago % Math.max(1, this.uploads.length)))
  }

  /** What a repository has to hold. */
  in(repository: Repository): Contents {
    const there = this.#contents.get(repository)
    if (there !== undefined) return there
    const made = { blobs: new Set<string>(), manifests: new Map(), tags: new Map() }
    this.#contents.set(repository, made)
    return made
  }

  /** Whether a repository holds anything. */
  isEmpty(repository: Repository): boolean {
    const { manifests, blobs } = this.in(repository)
    return manifests.size === 0 && blobs.size === 0
  }
}

/** The text of a digest in a request. */
export function digestText(plan: DigestPlan): string {
  if ('text' in plan) return plan.text
  return 'manifest' in plan ? manifestDigest(plan.manifest) : blobDigest(plan.blob, plan.algorithm)
}

/** Another digest than the content has. */
export function wrongDigest(bytes: Buffer): Digest {
  return digestOf(bytes) === NOWHERE ? blobDigest('byte') : NOWHERE
}
