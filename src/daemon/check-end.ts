import { TreeCheck } from '../tree/tree-check.ts'
import { ADVICE } from './advice.ts'
import { newCounts } from './fsck-report.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { CheckedBlocks } from '../blocks/checked-blocks.ts'
import type { Pace } from '../blocks/pace.ts'
import type { TreeProblem } from '../tree/tree-problem.ts'
import type { Findings } from './findings.ts'
import type { NotedCommit } from './newest-note.ts'
import type { LostEnd } from './regain.ts'

/** What {@link checkEnd} works with. */
export interface CheckEndParts {
  readonly end: LostEnd
  readonly blocks: CheckedBlocks
  readonly pace: Pace
  readonly findings: Findings
  /** Told before a tree is looked at whether it is the published one, so that peers may be asked for all of it. */
  readonly onTree: (isPublished: boolean) => void
}

/** How it may be mended. */
export interface CheckEndOptions extends BlockOptions {
  readonly repair: boolean
  /** Whether to go on from what is left, where the rest cannot be brought back. */
  readonly acceptLoss: boolean
}

/** Looks whether the journal lost its end. Brings that back, where it can, or goes on without it, as somebody says. */
export async function checkEnd(parts: CheckEndParts, options: CheckEndOptions): Promise<void> {
  const { end, findings } = parts
  const { loss } = end
  if (loss === undefined) return
  const commit = await end.commit()
  const isToMend = options.repair && commit !== undefined
  const why = isToMend ? await missing(commit, parts, options) : undefined
  if (isToMend && why === undefined) {
    await end.regain(commit, parts.blocks, options)
    findings.add({
      ...told(`${shown(commit)} is the newest again, and nothing is lost`),
      mended: true,
    })
  } else if (options.repair && options.acceptLoss) {
    const left = await end.left()
    await end.accept()
    findings.add({ ...told(`${lost(commit, left)}, as --accept-loss says`), mended: true })
  } else {
    const message =
      why === undefined ? loss.message : `${loss.message}. It cannot be brought back now: ${why}`
    findings.add({ kind: 'commit', message, advice: ADVICE.newest })
  }
}

/** What keeps a commit from being brought back; a content that is damaged does not: it is told of with all others. */
async function missing(
  commit: NotedCommit,
  { blocks, pace, onTree }: CheckEndParts,
  options: BlockOptions,
): Promise<string | undefined> {
  const problems: TreeProblem[] = []
  const onProblem = (problem: TreeProblem): void => {
    const isOfTree = problem.kind === 'block' || problem.kind === 'directory'
    if (isOfTree && problem.path.at(-1) !== 'data') problems.push(problem)
  }
  for (const root of [commit.public, commit.private]) {
    if (root === undefined) continue
    onTree(root === commit.public)
    await new TreeCheck({ blocks, pace, counts: newCounts(), onProblem }, root).first(options)
  }
  onTree(false)
  const [first] = problems
  return first && `${first.message} at /${first.path.join('/')} (and ${problems.length - 1} more)`
}

function told(what: string): { kind: 'commit'; message: string; advice: string } {
  const message = `the journal had lost its end: ${what}. Restart the daemon, if one runs`
  return { kind: 'commit', message, advice: ADVICE.nothing }
}

function shown({ sequence, time }: NotedCommit): string {
  return `commit ${sequence} of ${new Date(time).toISOString()}`
}

function lost(commit: NotedCommit | undefined, left: NotedCommit | undefined): string {
  const gone = commit === undefined ? 'what came after it' : `everything up to ${shown(commit)}`
  return left === undefined
    ? `no commit is left, and the registry is empty: ${gone} is lost`
    : `${shown(left)} is the newest now, and ${gone} is lost`
}
