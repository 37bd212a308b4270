import { CID } from 'multiformats/cid'
import { RegistryError } from '../oci/errors.ts'
import { shown } from '../oci/shown.ts'
import { TreeReader } from './reader.ts'
import { diffTrees } from './tree-diff.ts'
import { UsedRoots } from './used-roots.ts'
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
  readonly #used: UsedRoots

  /** @param used gets each root that is looked into, before it is looked for: so the collector leaves it alone */
  constructor(journal: Journal, directories: DirectoryReader, used: UsedRoots = new UsedRoots()) {
    this.#journal = journal
    this.#directories = directories
    this.#used = used
  }

  /** Commits from the newest to the oldest. @param options `before`: only those before this sequence */
  commits(options: { limit: number; before?: number | undefined }): AsyncIterable<JournalEntry> {
    return this.#journal.entries(options)
  }

  /**
   * The root that somebody means: by its CID, or by the number of the commit that made it. The collector leaves it alone
   * for a while.
   *
   * @throws RegistryError DENIED when this registry never had it, or does not keep it any more
   */
  async root(text: string): Promise<CID> {
    const isNumber = /^\d{1,15}$/.test(text)
    const root = isNumber ? await this.#numbered(Number(text)) : tryParse(text)
    if (root !== undefined && (isNumber || (await this.#isKept(root)))) return root
    const isOver =
      root === undefined ? await this.#isTrimmed(text) : await this.#journal.isTrimmed(root)
    throw new RegistryError('DENIED', {
      message: isOver
        ? `${shown(text, 100)} is no longer kept (retention.history): heliport log has those that are`
        : `${shown(text, 100)} is no root that this registry had: see heliport log`,
    })
  }

  /** What is different in `to`. @throws RegistryError DENIED when one of them was never ours, or is no longer kept */
  async *diff(from: string, to: string, options: BlockOptions = {}): AsyncGenerator<Difference> {
    const [before, now] = [await this.root(from), await this.root(to)]
    yield* this.difference(before, now, options)
  }

  /** The same for two roots that are known. */
  difference(from: CID, to: CID, options: BlockOptions = {}): AsyncGenerator<Difference> {
    return diffTrees(this.#directories, from, to, options)
  }

  /**
   * A reader over our tree as it was under a root; `undefined` when it was never ours.
   *
   * @throws RegistryError NAME_UNKNOWN when it is no longer kept
   */
  async snapshot(root: string): Promise<RegistryReader | undefined> {
    const cid = tryParse(root)
    if (cid === undefined) return undefined
    if (await this.#isKept(cid)) {
      const view = new RootView(cid, this.#directories)
      return new TreeReader(`own at ${root}`, view, this.#directories.source)
    }
    if (!(await this.#journal.isTrimmed(cid))) return undefined
    throw new RegistryError('NAME_UNKNOWN', {
      message:
        'this registry does not keep that root any longer (heliport log lists those it keeps)',
      detail: { root },
    })
  }

  /** It is noted as used before it is looked for: if it is found, no collection that begins later takes it. */
  async #isKept(root: CID): Promise<boolean> {
    const isNew = this.#used.note(root)
    const isKept = await this.#journal.knows(root)
    if (!isKept && isNew) this.#used.forget(root)
    return isKept
  }

  async #numbered(sequence: number): Promise<CID | undefined> {
    const entry = await this.#journal.entry(sequence)
    if (entry === undefined) return undefined
    this.#used.note(entry.public)
    return (await this.#journal.entry(sequence))?.public
  }

  async #isTrimmed(text: string): Promise<boolean> {
    const oldest = await this.#journal.oldest()
    return /^\d+$/.test(text) && Number(text) > 0 && oldest !== undefined && Number(text) < oldest
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
