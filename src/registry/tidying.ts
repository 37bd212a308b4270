import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { Abortable, RegistryReader } from './ports.ts'

/** Everything in our tree under one root. */
export interface TreeInventory {
  readonly reader: RegistryReader
  repositories(): AsyncIterable<RepositoryName>
  /** Blobs that a repository links. */
  blobs(name: RepositoryName): AsyncIterable<Digest>
  manifests(name: RepositoryName): AsyncIterable<Digest>
  tags(name: RepositoryName): AsyncIterable<[Tag, Digest]>
  /** All content that has bytes in the tree. */
  contents(): AsyncIterable<Digest>
}

/** What edits linked since the inventory. */
export interface TreeChanges extends Disposable {
  /** Whether anything was linked or tagged in a repository. */
  hasChanged(name: RepositoryName): boolean
  /** Whether this content was linked anywhere. */
  hasLinked(digest: Digest): boolean
}

/** A look at the tree, and what changes from then on. */
export interface Look {
  readonly inventory: TreeInventory
  readonly changes: TreeChanges
}

/** How it goes. */
export interface TidyOptions extends Abortable {
  /** Changes nothing, and only counts. */
  readonly dryRun: boolean
  /** By which ages go, in ms since the epoch; the same for a whole collection. */
  readonly now: number
  /** Gives others their turn now and then. */
  readonly turn: () => Promise<void>
  /** Is kept up to date. */
  readonly tidied: Tidied
}

/** What went. */
export interface Tidied {
  repositories: number
  tags: number
  /** Some of them, as `name:tag`, in a dry run. */
  readonly tagNames: string[]
  manifests: number
  /** Links of blobs in repositories. */
  blobs: number
  /** Contents that no repository linked. */
  contents: number
  /** Manifests and links of blobs that stayed for no other reason than that clients rely on them. */
  leased: number
}
