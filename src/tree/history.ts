import { CID } from 'multiformats/cid'
import { RegistryError } from '../oci/errors.ts'
import { shown } from '../oci/shown.ts'
import { TreeReader } from './reader.ts'
import { diffTrees } from './tree-diff.ts'
import { RootView } from './view.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { RegistryReader, SnapshotSource } from '../registry/ports.ts'
import type { DirectoryReader } from './directory.ts'
import type { Journal, JournalEntry } from './journal.ts'
import type { Difference } from './tree-diff.ts'

/** The registry as it was: every root that the journal knows is a whole registry that never changes. */
export class History implements SnapshotSource {
  readonly #journal: Journal
  readonly #directories: DirectoryReader

  constructor(journal: Journal, directories: DirectoryReader) {
    this.#journal = journal
    this.#directories = directories
  }

  /** Commits from the newest to the oldest. @param options `before`: only those before this sequence */
  commits(options: { limit: number; before?: number | undefined }): AsyncIterable<JournalEntry> {
    return this.#journal.entries(options)
  }

  /**
   * The root that somebody means: by its CID, or by the number of the commit that made it.
   *
   * @throws RegistryError DENIED when this registry never had it
   */
  async root(text: string): Promise<CID> {
    const root = /^\d{1,15}$/.test(text)
      ? (await this.#journal.entry(Number(text)))?.public
      : await this.#known(text)
    if (root !== undefined) return root
    throw new RegistryError('DENIED', {
      message: `${shown(text, 100)} is no root that this registry had: see heliport log`,
    })
  }

  /** What is different in `to`. @throws RegistryError DENIED when one of them was never ours */
  async *diff(from: string, to: string, options: BlockOptions = {}): AsyncGenerator<Difference> {
    const [before, now] = [await this.root(from), await this.root(to)]
    yield* diffTrees(this.#directories, before, now, options)
  }

  /** A reader over our tree as it was under a root; `undefined` when it was never ours. */
  async snapshot(root: string): Promise<RegistryReader | undefined> {
    const cid = await this.#known(root)
    if (cid === undefined) return undefined
    const view = new RootView(cid, this.#directories)
    return new TreeReader(`own at ${cid.toString()}`, view, this.#directories.source)
  }

  async #known(text: string): Promise<CID | undefined> {
    const cid = tryParse(text)
    return cid !== undefined && (await this.#journal.knows(cid)) ? cid : undefined
  }
}

/** A CID in its one usual spelling; everything else is unknown without a look. */
function tryParse(text: string): CID | undefined {
  if (!/^bafybei[a-z2-7]{52}$/.test(text)) return undefined
  try {
    return CID.parse(text)
  } catch {
    return undefined // the text of a request: what no CID is made of names no root
  }
}
