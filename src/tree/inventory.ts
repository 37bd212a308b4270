import { tryParseDigest } from '../oci/digest.ts'
import { tryParseName, tryParseTag } from '../oci/name.ts'
import { layout } from './layout.ts'
import { TreeReader } from './reader.ts'
import { repositoriesOf } from './repository-walk.ts'
import { RootView } from './view.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { RegistryReader } from '../registry/ports.ts'
import type { DirectoryReader } from './directory.ts'
import type { Path } from './layout.ts'
import type { CID } from 'multiformats/cid'

/**
 * Everything that is in a tree, for whoever tidies it up. Names are taken as they stand there: a link that is not what its
 * name says still keeps what it is called after.
 */
export class Inventory {
  readonly reader: RegistryReader
  readonly #view: RootView
  readonly #directories: DirectoryReader
  readonly #options: BlockOptions

  constructor(root: CID, directories: DirectoryReader, options: BlockOptions = {}) {
    this.#view = new RootView(root, directories)
    this.#directories = directories
    this.#options = options
    this.reader = new TreeReader('own', this.#view, directories.source)
  }

  async *repositories(): AsyncGenerator<RepositoryName> {
    const view = await this.#view.below(layout.repositories, this.#options)
    for await (const text of repositoriesOf(view, undefined, this.#options)) {
      const name = tryParseName(text)
      if (name !== undefined) yield name
    }
  }

  /** Blobs that a repository links. */
  blobs(name: RepositoryName): AsyncGenerator<Digest> {
    return this.#digests([...layout.repository(name), '_layers'])
  }

  manifests(name: RepositoryName): AsyncGenerator<Digest> {
    return this.#digests([...layout.manifests(name), 'revisions'])
  }

  /** Tags, and what they point to. */
  async *tags(name: RepositoryName): AsyncGenerator<[Tag, Digest]> {
    for await (const text of this.#names(layout.tags(name))) {
      const tag = tryParseTag(text)
      const digest = tag && (await this.reader.resolveTag(name, tag, this.#options))
      if (tag !== undefined && digest !== undefined) yield [tag, digest]
    }
  }

  /** All content that has bytes in the tree. */
  async *contents(): AsyncGenerator<Digest> {
    const blobs = layout.blobs
    for await (const algorithm of this.#names(blobs)) {
      for await (const shelf of this.#names([...blobs, algorithm])) {
        for await (const hex of this.#names([...blobs, algorithm, shelf])) {
          const digest = tryParseDigest(`${algorithm}:${hex}`)
          if (digest !== undefined) yield digest
        }
      }
    }
  }

  async *#digests(directory: Path): AsyncGenerator<Digest> {
    for await (const algorithm of this.#names(directory)) {
      for await (const hex of this.#names([...directory, algorithm])) {
        const digest = tryParseDigest(`${algorithm}:${hex}`)
        if (digest !== undefined) yield digest
      }
    }
  }

  /** Not by `names`, which would fill its cache with what is looked at once. */
  async *#names(path: Path): AsyncGenerator<string> {
    const directory = await this.#view.file(path, this.#options)
    if (directory === undefined) return
    for await (const { name } of this.#directories.list(directory.cid, this.#options)) yield name
  }
}
