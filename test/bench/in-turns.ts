import { readFile } from 'node:fs/promises'
import { peakMemory, resetPeak } from '../e2e/support/memory.ts'
import { run } from '../e2e/support/command.ts'
import { FigureBook } from './figures.ts'
import type { Contender, ContenderId, Running } from './contenders.ts'
import type { Sample } from './figures.ts'
import type { Memory, Outcome, Stage } from './scenario.ts'
import type { Shape } from './seed/shape.ts'

/** A registry that has its turn. */
export interface Turn {
  readonly contender: Contender
  readonly running: Running
  /** From 1 on. */
  readonly round: number
}

/** What is done with every registry. */
export interface Turns {
  /** What they hold when they start. */
  readonly seed?: Shape
  /** A new, empty one for every round, because what is pushed stays on the disk. */
  readonly fresh?: boolean
  /** Before the first round, or each with `fresh`; not timed. */
  prepare?(turn: Omit<Turn, 'round'>): Promise<void>
  turn(turn: Turn): Promise<readonly Sample[]>
}

/** How long the disk may take to settle, in ms. */
const SYNC_TIME = 10 * 60_000

/**
 * Runs all contenders in turns, several rounds, so that what else the machine does is the same for all. Who begins
 * changes from round to round. Before each turn the disk settles: who syncs nothing would be paid for by the next.
 */
export async function inTurns(stage: Stage, turns: Turns): Promise<Outcome> {
  const book = new FigureBook()
  const memory: Partial<Record<ContenderId, Memory>> = {}
  const { contenders, rounds, signal } = stage
  for (const one of turns.fresh === true
    ? Array.from({ length: rounds }, (_, at) => [at + 1])
    : [allOf(rounds)]) {
    await using stack = new AsyncDisposableStack()
    const running = new Map<Contender, Running>()
    for (const contender of contenders) {
      signal.throwIfAborted()
      const started = stack.use(await contender.start(turns.seed))
      running.set(contender, started)
      const base = await residentMemory(started.pid)
      memory[contender.id] = { base, peak: memory[contender.id]?.peak ?? 0 }
      await named(contender, turns.prepare?.({ contender, running: started }))
    }
    for (const round of one) {
      for (const [contender, target] of rotated([...running], round)) {
        signal.throwIfAborted()
        await run('sync', [], { timeout: SYNC_TIME, signal })
        await resetPeak(target.pid)
        const samples = await named(contender, turns.turn({ contender, running: target, round }))
        book.note(contender.id, samples)
        const { base = 0, peak = 0 } = memory[contender.id] ?? {}
        memory[contender.id] = { base, peak: Math.max(peak, await peakMemory(target.pid)) }
        stage.say(`round ${round} of ${rounds}: ${contender.title}: ${shown(samples)}`)
      }
    }
  }
  return { figures: book.figures(), memory }
}

/** Says in an error whose it was. */
async function named<T>({ title }: Contender, work: T | Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw new Error(`${title}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

/** In RAM now, in bytes (`VmRSS`, proc(5)). Linux only. */
export async function residentMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  if (kilobytes === undefined) throw new Error(`process ${pid} has no VmRSS`)
  return Number(kilobytes) * 1024
}

export function shown(samples: readonly Sample[]): string {
  return samples.map(({ name, value, unit }) => `${name} ${value.toFixed(1)} ${unit}`).join(', ')
}

function allOf(rounds: number): number[] {
  return Array.from({ length: rounds }, (_, at) => at + 1)
}

function rotated<T>(all: readonly T[], by: number): T[] {
  const from = by % all.length
  return [...all.slice(from), ...all.slice(0, from)]
}
