import { tryParseName } from '../oci/name.ts'
import { isDamage } from './damage.ts'
import { isBranch, layout } from './layout.ts'
import { RootView } from './view.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { DirectoryReader } from './directory.ts'
import type { Path } from './layout.ts'
import type { LinkHints } from './link-hints.ts'
import type { TreeView } from './view.ts'
import type { CID } from 'multiformats/cid'

/**
 * Directories of repositories that one search looks into. Each was measured at 0.1 ms when its nodes are in memory and at
 * 0.5 ms when they are not, and they share that memory with everything else that is read.
 */
const DIRECTORIES = 250

/** How to search. */
type SearchOptions = BlockOptions & {
  within?: ((name: RepositoryName) => boolean) | undefined
  isDiscreet?: boolean
}

/**
 * Finds a repository that links a blob, which the tree itself cannot tell: links lead from repositories to blobs.
 *
 * Three steps, from cheap to dear. A blob without bytes in the tree is linked nowhere, and that is what most answers are
 * about, because clients ask before they upload something new. (Not for who sees only some repositories: whether others have
 * it must not be told by the time that it takes.) Then the repository that is remembered for it. Then a walk
 * of the repositories up to a bound, for what came another way than by a push: a small registry is searched as a whole,
 * and in a large one an old blob may have to be uploaded once more.
 *
 * Whatever is remembered is looked up in the tree, so bytes without a link, as a deleted blob leaves them, are never found.
 */
export class BlobSearch {
  readonly #reader: DirectoryReader
  readonly #hints: LinkHints
  readonly #directories: number

  constructor(reader: DirectoryReader, hints: LinkHints, directories: number = DIRECTORIES) {
    this.#reader = reader
    this.#hints = hints
    this.#directories = directories
  }

  /**
   * A repository that links a blob in the tree under a root, `near` first. `undefined` when there is none, or none was
   * found within the bounds.
   *
   * @param options `within`: the repositories that may be found; `isDiscreet`: others take the time of a search, too
   */
  async find(
    root: CID,
    digest: Digest,
    near: RepositoryName,
    options: SearchOptions = {},
  ): Promise<RepositoryName | undefined> {
    const view = new RootView(root, this.#reader)
    const { within = () => true } = options
    const { isDiscreet = false } = options
    if (!isDiscreet && !(await isThere(view, layout.blobData(digest), options))) return undefined
    const links = (name: RepositoryName): Promise<boolean> =>
      isThere(view, layout.link(layout.layer(name, digest)), options)
    if (within(near) && (await links(near))) return near
    const hint = await this.#hints.get(digest)
    if (hint !== undefined && within(hint)) {
      if (await links(hint)) return hint
      this.#hints.forget(digest)
    }
    return this.#search(view, digest, options)
  }

  async #search(
    view: TreeView,
    digest: Digest,
    options: SearchOptions,
  ): Promise<RepositoryName | undefined> {
    const top = await readable(() => view.file(layout.repositories, options))
    if (top === undefined) return undefined
    const left = { directories: this.#directories }
    const { within = () => true } = options
    for await (const { name, cid } of this.#repositories(top.cid, [], left, options)) {
      if (!within(name)) continue
      const link = layout.link(layout.layer(name, digest)).slice(layout.repository(name).length)
      if (!(await isThere(new RootView(cid, this.#reader), link, options))) continue
      this.#hints.set(digest, name)
      return name
    }
    return undefined
  }

  /**
   * Directories that may be repositories, each before those inside it, as they come. It reads no further than it is
   * asked to, and no more than what is `left`.
   */
  async *#repositories(
    directory: CID,
    above: readonly string[],
    left: { directories: number },
    options: BlockOptions,
  ): AsyncGenerator<{ name: RepositoryName; cid: CID }> {
    const entries = this.#reader.list(directory, options)
    for (;;) {
      const next = await readable(() => entries.next())
      if (next === undefined || next.done === true) return // what cannot be read is passed over
      if (isBranch(next.value.name)) continue
      if (left.directories-- <= 0) return
      const segments = [...above, next.value.name]
      const name = tryParseName(segments.join('/'))
      if (name === undefined) continue
      yield { name, cid: next.value.cid }
      yield* this.#repositories(next.value.cid, segments, left, options)
    }
  }
}

async function isThere(view: TreeView, path: Path, options: BlockOptions): Promise<boolean> {
  return (await readable(() => view.file(path, options))) !== undefined
}

/**
 * What was read; `undefined` when it is damaged. A search says only what it found, never that something is not there,
 * and damage in one repository must not keep others from being searched.
 */
async function readable<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
}
