import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import type { Contender, ContenderId } from './contenders.ts'
import type { Goal } from './figures.ts'
import type { Outcome, Scenario } from './scenario.ts'

/** Who was measured. */
export type Measured = Pick<Contender, 'id' | 'title' | 'durability'>

/** What came of a scenario, with all that a reader of it needs. */
export interface Result {
  readonly id: string
  readonly title: string
  readonly how: string
  readonly goals: Readonly<Record<string, readonly Goal[]>>
  readonly writes: boolean
  /** ISO 8601. */
  readonly date: string
  readonly machine: Machine
  readonly rounds: number
  readonly contenders: readonly Measured[]
  readonly outcome?: Outcome
  /** Why it did not run. */
  readonly missing?: string
  /** What went wrong. */
  readonly failed?: string
}

/** Where it was measured. */
export interface Machine {
  readonly processors: number
  readonly model: string
  /** GB. */
  readonly memory: number
  readonly node: string
  /** Of the last minute when the scenario began: what others did makes every figure worse. */
  readonly load: number
}

/** All results, as they are in JSON. */
export interface Results {
  readonly format: 1
  readonly results: readonly Result[]
}

export function machine(): Machine {
  return {
    processors: availableParallelism(),
    model: cpus()[0]?.model ?? 'unknown',
    memory: Math.round(totalmem() / 1e9),
    node: process.versions.node,
    load: Number((loadavg()[0] ?? 0).toFixed(1)),
  }
}

/** A result of which only the outcome is missing. */
export function begun(
  { id, title, how, goals = {}, writes = false }: Scenario,
  contenders: readonly Contender[],
  rounds: number,
): Result {
  const measured = contenders.map((one): Measured => {
    const { id: who, title: name, durability } = one
    return { id: who, title: name, durability }
  })
  const date = new Date().toISOString()
  return { id, title, how, goals, writes, date, machine: machine(), rounds, contenders: measured }
}

/** Newer results take the place of older ones of the same scenario; the order is that of `ids`. */
export function merged(
  older: readonly Result[],
  newer: readonly Result[],
  ids: readonly string[],
): Result[] {
  const all = new Map([...older, ...newer].map((result) => [result.id, result]))
  return ids.flatMap((id) => all.get(id) ?? [])
}

/** @throws Error when it is none of ours */
export function parseResults(text: string): Results {
  const value = JSON.parse(text) as Partial<Results>
  if (value.format !== 1 || !Array.isArray(value.results))
    throw new Error('these are not results of the bench in format 1')
  return { format: 1, results: value.results }
}

/** The title of whoever was measured in any of these. */
export function titleOf(results: readonly Result[], id: ContenderId): string {
  if (id === 'kubo') return 'Kubo'
  const known = results.flatMap(({ contenders }) => contenders)
  return known.find((one) => one.id === id)?.title ?? id
}
