import { TreeCheck } from '../tree/tree-check.ts'
import { ADVICE, blockAdvice } from './advice.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { CheckedBlocks } from '../blocks/checked-blocks.ts'
import type { Pace } from '../blocks/pace.ts'
import type { JournalEntry } from '../tree/journal.ts'
import type { Path } from '../tree/layout.ts'
import type { TreeProblem } from '../tree/tree-problem.ts'
import type { AdviceWorld } from './advice.ts'
import type { Findings } from './findings.ts'
import type { FsckRun } from './fsck-report.ts'
import type { Storage } from './storage.ts'
import type { CID } from 'multiformats/cid'

/** Numbers of commits that are looked up at once. */
const PAGE = 256

/** What a {@link CommitCheck} works with. */
export interface CommitCheckParts {
  readonly storage: Pick<Storage, 'journal' | 'lane' | 'opened'>
  readonly run: FsckRun
  readonly blocks: CheckedBlocks
  readonly pace: Pace
  readonly findings: Findings
  readonly world: AdviceWorld
}

/** Checks the journal and the tree of every commit that is kept, from the newest to the oldest. */
export class CommitCheck implements Disposable {
  readonly #parts: CommitCheckParts
  readonly #held = new DisposableStack()
  #tree: TreeCheck | undefined
  /** The trees of the newest commit that can be read; they stay until this is disposed of. */
  readonly newest: CID[] = []
  /** The commit that is looked at. */
  commit: number | undefined

  constructor(parts: CommitCheckParts) {
    this.#parts = parts
  }

  /** Where in its tree. */
  get at(): Path | undefined {
    return this.#tree?.at
  }

  [Symbol.dispose](): void {
    this.#held.dispose()
  }

  async run(options: BlockOptions): Promise<void> {
    const { journal } = this.#parts.storage
    let last: number | undefined
    for (;;) {
      const numbers = await journal.numbers(last, PAGE)
      for (const number of numbers) {
        await this.#parts.pace.turn(options)
        if (last !== undefined && number !== last - 1) this.#gap(number + 1, last - 1)
        last = number
        await this.#one(number, options)
      }
      if (numbers.length < PAGE) break
    }
    this.commit = undefined
    this.#tree = undefined
  }

  #gap(from: number, to: number): void {
    const which = from === to ? `${from} is` : `${from} to ${to} are`
    const message = `of the journal ${which} missing`
    this.#parts.findings.add({ kind: 'commit', message, commit: to, advice: ADVICE.commit })
  }

  async #one(number: number, options: BlockOptions): Promise<void> {
    const { storage, run, findings } = this.#parts
    const entry = await this.#entry(number)
    if (entry instanceof Error) {
      // What is wrong with the newest one is told by the lane, which knows.
      const { message } = entry
      if (storage.lane.lost instanceof Error && storage.lane.lost.message === message) return
      findings.add({ kind: 'commit', message, commit: number, advice: ADVICE.commit })
      return
    }
    if (entry === undefined) return
    this.commit = number
    const isNewest = this.newest.length === 0
    for (const root of [entry.public, entry.private]) {
      if (root === undefined) continue
      using _ = storage.opened.hold(root) // the collector leaves it alone from now on, unless it was done with it before
      if ((await this.#entry(number)) === undefined) return
      if (isNewest) {
        this.newest.push(root)
        this.#held.use(storage.opened.hold(root))
      }
      await this.#check(root, options)
    }
    run.checked.commits++
  }

  async #entry(number: number): Promise<JournalEntry | Error | undefined> {
    try {
      return await this.#parts.storage.journal.entry(number)
    } catch (error) {
      if (error instanceof Error && error.name === 'DamagedJournalError') return error
      throw error
    }
  }

  async #check(root: CID, options: BlockOptions): Promise<void> {
    if (this.#tree !== undefined) return this.#tree.next(root, options)
    const { blocks, pace, run } = this.#parts
    const onProblem = (problem: TreeProblem): void => this.#tell(problem)
    const parts = { blocks, pace, counts: run.checked, onProblem }
    this.#tree = new TreeCheck(parts, root)
    await this.#tree.first(options)
  }

  #tell({ kind, message, cid, path }: TreeProblem): void {
    const advice = kind === 'block' ? blockAdvice(this.#parts.world) : ADVICE[kind]
    const where = { block: cid.toString(), path, commit: this.commit }
    this.#parts.findings.add({ kind, message, ...where, advice })
  }
}
