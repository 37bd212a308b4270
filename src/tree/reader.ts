import { setImmediate } from 'node:timers/promises'
import { algorithmOf, hexOf, tryParseDigest } from '../oci/digest.ts'
import { fileSize, readFile } from '../blocks/file-reader.ts'
import { DamagedBlockError } from '../blocks/block-store.ts'
import { RAW, SHA2_256 } from '../blocks/cids.ts'
import { LINK_MAX_BYTES, REPOSITORY_BRANCHES, decodeLink, layout } from './layout.ts'
import { repositoriesOf } from './repository-walk.ts'
import { isIn, pageOf } from './sorted.ts'
import type { BlockSource } from '../blocks/block-source.ts'
import type { Entry } from '../blocks/nodes.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type {
  Abortable,
  OpenOptions,
  Content,
  Page,
  RegistryReader,
  RepositoryPage,
} from '../registry/ports.ts'
import type { Path } from './layout.ts'
import type { TreeView } from './view.ts'

/** Names that are looked at before other work gets its turn: a tree may have any number. */
const NAMES_IN_A_ROW = 10_000

/**
 * A registry read from a tree: our own, a mirror's, or one in the middle of a commit. There is only this reader, because
 * all of them have the same layout.
 */
export class TreeReader implements RegistryReader {
  readonly source: string
  readonly #view: TreeView
  readonly #blocks: BlockSource

  constructor(source: string, view: TreeView, blocks: BlockSource) {
    this.source = source
    this.#view = view
    this.#blocks = blocks
  }

  resolveTag(name: RepositoryName, tag: Tag, options?: Abortable): Promise<Digest | undefined> {
    return this.#link(layout.tagCurrent(name, tag), options)
  }

  async manifest(
    name: RepositoryName,
    digest: Digest,
    options?: Abortable,
  ): Promise<Content | undefined> {
    return this.#linked(layout.revision(name, digest), digest, options)
  }

  async blob(
    name: RepositoryName,
    digest: Digest,
    options?: Abortable,
  ): Promise<Content | undefined> {
    // A manifest is a blob too, as in an image layout, and clients fetch it as one. Only to be read: what deletes and mounts
    // blobs looks at their own links alone.
    const layer = await this.#linked(layout.layer(name, digest), digest, options)
    return layer ?? this.#linked(layout.revision(name, digest), digest, options)
  }

  async tags(name: RepositoryName, options: Abortable & Page = {}): Promise<string[] | undefined> {
    if (!(await this.#isRepository(name, options))) return undefined
    return pageOf((await this.#view.names(layout.tags(name), options)) ?? [], options)
  }

  async repositories(options: Abortable & RepositoryPage = {}): Promise<string[]> {
    const { after = '', limit = Infinity, within } = options
    if (limit <= 0) return []
    const view = await this.#view.below(layout.repositories, options)
    const make = async (): Promise<string[]> => {
      const found: string[] = []
      for await (const name of repositoriesOf(view, after, options)) {
        if (found.push(name) >= limit) break
      }
      return found
    }
    if (within !== undefined || view.list === undefined) return make()
    return [...(await view.list(`${limit} repositories after ${after}`, make))]
  }

  async referrers(name: RepositoryName, subject: Digest, options?: Abortable): Promise<Digest[]> {
    const directory = layout.referrers(name, subject)
    const found: Digest[] = []
    let seen = 0
    for (const algorithm of (await this.#view.names(directory, options)) ?? []) {
      for (const hex of (await this.#view.names([...directory, algorithm], options)) ?? []) {
        if (++seen % NAMES_IN_A_ROW === 0) await setImmediate()
        const digest = tryParseDigest(`${algorithm}:${hex}`)
        if (digest !== undefined) found.push(digest)
      }
    }
    return found // the names come in order
  }

  async #isRepository(name: RepositoryName, options: Abortable): Promise<boolean> {
    const names = await this.#view.names(layout.repository(name), options)
    return names !== undefined && REPOSITORY_BRANCHES.some((branch) => isIn(names, branch))
  }

  async #link(directory: Path, options?: Abortable): Promise<Digest | undefined> {
    const entry = await this.#view.file(layout.link(directory), options)
    if (entry === undefined) return undefined
    const size = await this.#sizeOf(entry, options)
    if (size > LINK_MAX_BYTES) return undefined
    return decodeLink(
      Buffer.concat(await Array.fromAsync(readFile(this.#blocks, entry.cid, options))),
    )
  }

  /** Content that a directory of this repository links, with its bytes from `blobs/`. */
  async #linked(
    directory: Path,
    digest: Digest,
    options?: Abortable,
  ): Promise<Content | undefined> {
    if ((await this.#link(directory, options)) !== digest) return undefined
    const data = await this.#view.file(layout.blobData(digest), options)
    return data === undefined ? undefined : this.#content(digest, data, options)
  }

  /**
   * What the directory says of a raw block is its size. A stored one of another size is damaged, and the answer to a HEAD
   * must not be a wrong length, nor make a client skip the upload that would mend it. Then it is read, which brings it
   * back where that can be.
   */
  async #sizeOf({ cid, treeSize }: Entry, options?: Abortable): Promise<number> {
    const size = await fileSize(this.#blocks, cid, options)
    if (cid.code !== RAW || size === treeSize) return size
    const { length } = await this.#blocks.get(cid, options)
    if (length === treeSize) return length
    throw new DamagedBlockError(cid, `it has ${length} bytes instead of ${treeSize}`)
  }

  async #content(digest: Digest, data: Entry, options?: Abortable): Promise<Content> {
    const size = await this.#sizeOf(data, options)
    const blocks = this.#blocks
    return {
      digest,
      size,
      id: data.cid.toString(),
      proven: isProof(data, digest),
      open: (how: OpenOptions = {}) => readFile(blocks, data.cid, how),
      hold: () => blocks.hold?.(data.cid),
    }
  }
}

/** A raw block's multihash is the sha256 of the very bytes: such a CID needs no further proof. */
export function isProof({ cid }: Pick<Entry, 'cid'>, digest: Digest): boolean {
  return (
    cid.code === RAW &&
    cid.multihash.code === SHA2_256 &&
    algorithmOf(digest) === 'sha256' &&
    Buffer.from(cid.multihash.digest).toString('hex') === hexOf(digest)
  )
}
