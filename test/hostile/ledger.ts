import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Tally } from './tally.ts'

const FILE = join(import.meta.dirname, '../../docs/hostile-runs.json')

/** What one run without a failure has seen: many short ones count as much as a long one, when their seeds differ. */
export interface Run {
  readonly day: string
  readonly seed: number
  readonly lanes: number
  readonly minutes: number
  readonly cases: number
  readonly unjudged: number
  readonly answers: number
  readonly cut: number
  readonly trusted: number
  readonly heldMs: number
  /** Bytes. */
  readonly memory: number
  readonly slowestMs: number
  /** How often each way to be hostile was played. */
  readonly counts: Readonly<Record<string, number>>
}

/** A run as it is kept. */
export function runOf(tally: Tally, seed: number, lanes: number): Run {
  return {
    day: new Date().toISOString().slice(0, 10),
    seed,
    lanes,
    minutes: Math.round(tally.seconds / 6) / 10,
    cases: tally.cases,
    unjudged: tally.unjudged,
    answers: tally.answers,
    cut: tally.cut,
    trusted: tally.trusted,
    heldMs: Math.round(tally.longestHeldMs),
    memory: tally.mostMemory,
    slowestMs: Math.round(tally.slowestMs),
    counts: Object.fromEntries(tally.counts),
  }
}

/** What tells the cases of a run from those of others: a lane has the run's seed plus its number. */
export type Seeds = Pick<Run, 'seed' | 'lanes'>

/**
 * The runs that are kept.
 *
 * @throws Error when one of them played these seeds: what is the same twice counts once
 */
export async function runsBefore(seeds: Seeds): Promise<readonly Run[]> {
  const runs = JSON.parse(await readFile(FILE, 'utf8')) as Run[]
  const again = runs.find((other) => overlaps(other, seeds))
  if (again === undefined) return runs
  throw new Error(`seed ${seeds.seed} and its lanes were played before, on ${again.day}`)
}

/** Adds a run to those that are kept. @returns all of them, this one last */
export async function keep(run: Run): Promise<readonly Run[]> {
  const all = [...(await runsBefore(run)), run]
  await writeFile(FILE, `${JSON.stringify(all, null, 1)}\n`)
  return all
}

/** All runs as if they were one. */
export function total(runs: readonly Run[]): Omit<Run, 'day' | 'seed' | 'lanes'> {
  const sum = (of: (run: Run) => number): number => runs.reduce((all, run) => all + of(run), 0)
  const most = (of: (run: Run) => number): number => Math.max(0, ...runs.map(of))
  const counts: Record<string, number> = {}
  for (const run of runs)
    for (const [name, count] of Object.entries(run.counts))
      counts[name] = (counts[name] ?? 0) + count
  return {
    minutes: sum((run) => run.minutes),
    cases: sum((run) => run.cases),
    unjudged: sum((run) => run.unjudged),
    answers: sum((run) => run.answers),
    cut: sum((run) => run.cut),
    trusted: sum((run) => run.trusted),
    heldMs: most((run) => run.heldMs),
    memory: most((run) => run.memory),
    slowestMs: most((run) => run.slowestMs),
    counts,
  }
}

function overlaps(a: Seeds, b: Seeds): boolean {
  return a.seed < b.seed + b.lanes && b.seed < a.seed + a.lanes
}
