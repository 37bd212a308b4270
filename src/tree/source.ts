import { TreeReader } from './reader.ts'
import { UsedRoots } from './used-roots.ts'
import { RootView } from './view.ts'
import type { RegistryReader, RegistrySource } from '../registry/ports.ts'
import type { DirectoryReader } from './directory.ts'
import type { CID } from 'multiformats/cid'

/**
 * A tree as a source of readers: each is bound to the root that is current when it is made, so one request never sees
 * half a commit.
 */
export class TreeSource implements RegistrySource {
  readonly name: string
  readonly #root: () => CID | undefined
  readonly #directories: DirectoryReader
  readonly #staleSince: () => number | undefined
  readonly #used: UsedRoots

  /**
   * @param root the root that is current; `undefined` while a mirror has none
   * @param directories reads this tree's nodes
   * @param used gets the root of each reader
   * @param staleSince since when a mirror's root may not be its owner's newest, in ms since the epoch
   */
  constructor(
    name: string,
    root: () => CID | undefined,
    directories: DirectoryReader,
    used: UsedRoots = new UsedRoots({ lease: 0 }),
    staleSince: () => number | undefined = () => undefined,
  ) {
    this.name = name
    this.#root = root
    this.#directories = directories
    this.#used = used
    this.#staleSince = staleSince
  }

  staleSince(): number | undefined {
    return this.#staleSince()
  }

  reader(): RegistryReader | undefined {
    const root = this.#root()
    if (root === undefined) return undefined
    this.#used.note(root)
    return new TreeReader(
      this.name,
      new RootView(root, this.#directories),
      this.#directories.source,
    )
  }
}
