import type { BlockOptions } from '../blocks/block-store.ts'
import type { Entry } from '../blocks/nodes.ts'
import type { DirectoryReader } from './directory.ts'
import type { Path } from './layout.ts'
import type { CID } from 'multiformats/cid'

/** A tree as it can be looked into: one immutable root, or our own tree in the middle of a commit. */
export interface TreeView {
  /** The file at a path; `undefined` when there is none. */
  file(path: Path, options?: BlockOptions): Promise<Entry | undefined>
  /** Names in the directory at a path, in ASCII order; `undefined` when there is none. */
  names(path: Path, options?: BlockOptions): Promise<readonly string[] | undefined>
  /** What is below a path, which may be nothing: whoever looks often into one directory finds it only once. */
  below(path: Path, options?: BlockOptions): Promise<TreeView>
  /** A list of names that follows from this tree and `what` alone, made unless it is known; where trees have a name. */
  list?(what: string, make: () => Promise<readonly string[]>): Promise<readonly string[]>
}

/** The tree under one root CID. */
export class RootView implements TreeView {
  readonly root: CID
  readonly #reader: DirectoryReader

  constructor(root: CID, reader: DirectoryReader) {
    this.root = root
    this.#reader = reader
  }

  async file(path: Path, options?: BlockOptions): Promise<Entry | undefined> {
    let entry: Entry | undefined = { cid: this.root, treeSize: 0 }
    for (const segment of path) {
      entry = await this.#reader.lookup(entry.cid, segment, options)
      if (entry === undefined) return undefined
    }
    return entry
  }

  list(what: string, make: () => Promise<readonly string[]>): Promise<readonly string[]> {
    return this.#reader.listed(this.root, what, make)
  }

  async names(path: Path, options?: BlockOptions): Promise<readonly string[] | undefined> {
    const directory = await this.file(path, options)
    return directory === undefined ? undefined : this.#reader.names(directory.cid, options)
  }

  async below(path: Path, options?: BlockOptions): Promise<TreeView> {
    const entry = await this.file(path, options)
    return entry === undefined ? NOTHING : new RootView(entry.cid, this.#reader)
  }
}

/** A tree in which nothing is. */
const NOTHING: TreeView = {
  file: () => Promise.resolve(undefined),
  names: () => Promise.resolve(undefined),
  below: () => Promise.resolve(NOTHING),
}
