import { CID } from 'multiformats/cid'
import { RegistryError } from '../oci/errors.ts'
import { shown } from '../oci/shown.ts'
import { outdatedError } from './outdated.ts'
import { ownReader } from './own-source.ts'
import { diffTrees } from './tree-diff.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { RegistryReader, SnapshotSource } from '../registry/ports.ts'
import type { Journal, JournalEntry } from './journal.ts'
import type { OwnParts, Roots } from './own-source.ts'
import type { Difference } from './tree-diff.ts'

/** The registry as it was: every root that the journal knows is a whole registry that never changes. */
export class History implements SnapshotSource {
  readonly #journal: Journal
  readonly #parts: OwnParts
  readonly #lost: () => unknown

  /**
   * @param parts `used` gets each root that is looked into, before it is looked for: so the collector leaves it alone
   * @param lost what the journal lost; `undefined` while that is nothing
   */
  constructor(journal: Journal, parts: OwnParts, lost: () => unknown = () => undefined) {
    this.#journal = journal
    this.#parts = parts
    this.#lost = lost
  }

  /** Commits from the newest to the oldest. @param options `before`: only those before this sequence */
  commits(options: { limit: number; before?: number | undefined }): AsyncIterable<JournalEntry> {
    return this.#journal.entries(options)
  }

  /**
   * The roots that somebody means: by the CID of one of the two, or by the number of the commit that made them. A CID
   * means the newest commit that has it. The collector leaves them alone for a while; whoever needs them for longer holds
   * them, and then looks whether that commit is still there.
   *
   * @throws RegistryError DENIED when this registry never had it, or does not keep it any more
   */
  async roots(text: string): Promise<JournalEntry> {
    const root = tryParse(text)
    const isNumber = /^\d{1,15}$/.test(text)
    const roots = isNumber ? await this.#numbered(Number(text)) : root && (await this.#kept(root))
    if (roots !== undefined) return roots
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
    const [before, now] = [await this.roots(from), await this.roots(to)]
    yield* this.difference(before, now, options)
  }

  /**
   * The same for roots that are known: what is published first. A repository that changed from one tree to the other is
   * removed from the one and added to the other.
   */
  async *difference(
    from: Roots,
    to: Roots,
    options: BlockOptions = {},
  ): AsyncGenerator<Difference> {
    const { directories } = this.#parts
    yield* diffTrees(directories, from.public, to.public, options)
    yield* diffTrees(directories, from.private, to.private, options)
  }

  /** A reader over our two trees as they were after a commit, whose roots {@link roots} has given. */
  reader(roots: Roots): RegistryReader {
    return ownReader('own', roots, this.#parts)
  }

  /**
   * A reader over our tree as it was under a root; `undefined` when it was never ours.
   *
   * @throws RegistryError NAME_UNKNOWN when it is no longer kept; UNAVAILABLE when it may be among what was lost
   */
  async snapshot(root: string): Promise<RegistryReader | undefined> {
    const cid = tryParse(root)
    if (cid === undefined) return undefined
    const roots = await this.#kept(cid)
    if (roots !== undefined) return ownReader(`own at ${root}`, roots, this.#parts)
    if (!(await this.#journal.isTrimmed(cid))) {
      if (this.#lost() !== undefined) throw outdatedError(this.#lost())
      return undefined
    }
    throw new RegistryError('NAME_UNKNOWN', {
      message:
        'this registry does not keep that root any longer (heliport log lists those it keeps)',
      detail: { root },
    })
  }

  /** It is noted as used before it is looked for: if it is found, no collection that begins later takes it. */
  async #kept(root: CID): Promise<JournalEntry | undefined> {
    const { used } = this.#parts
    const isNew = used.note(root)
    const entry = await this.#journal.find(root)
    if (entry === undefined) {
      if (isNew) used.forget(root)
      return undefined
    }
    return this.#numbered(entry.sequence)
  }

  async #numbered(sequence: number): Promise<JournalEntry | undefined> {
    const { used } = this.#parts
    const entry = await this.#journal.entry(sequence)
    if (entry === undefined) return undefined
    used.note(entry.public)
    if (entry.private !== undefined) used.note(entry.private)
    return this.#journal.entry(sequence)
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
