import type { Contender, ContenderId } from './contenders.ts'
import type { Figure, Goal } from './figures.ts'
import type { LoadClient } from './load/load-client.ts'

/** What a scenario works with. */
export interface Stage {
  readonly contenders: readonly Contender[]
  readonly load: LoadClient
  readonly rounds: number
  /** Only shows that it works: everything is small. */
  readonly quick: boolean
  /** How long a load goes on that is to go on for long. */
  readonly seconds: number
  /** A directory that is removed at the end. */
  readonly directory: string
  readonly signal: AbortSignal
  say(line: string): void
}

/** The memory of a registry in a scenario, in bytes. */
export interface Memory {
  /** When it had become ready. */
  readonly base: number
  /** The most it had while it was measured. */
  readonly peak: number
}

/** The memory of a registry at a moment. */
export interface CoursePoint {
  readonly seconds: number
  readonly mb: number
}

/** What came of a scenario. */
export interface Outcome {
  readonly figures: readonly Figure[]
  readonly memory?: Readonly<Partial<Record<ContenderId, Memory>>>
  /** How Heliport's memory went. */
  readonly course?: readonly CoursePoint[]
  /** What a reader has to know. */
  readonly notes?: readonly string[]
}

/** Something that is measured. */
export interface Scenario {
  readonly id: string
  readonly title: string
  /** How it is done, in a sentence or two. */
  readonly how: string
  /** By the name of the figure. */
  readonly goals?: Readonly<Record<string, readonly Goal[]>>
  /** Whether 201 is part of what is timed, so that durability counts. */
  readonly writes?: boolean
  /** Bytes of disk that it may need at once. */
  disk(stage: Pick<Stage, 'quick' | 'rounds' | 'contenders'>): number
  /** Why it cannot run here. */
  missing?(): Promise<string | undefined>
  run(stage: Stage): Promise<Outcome>
}

/** All registries that were asked for; what Heliport is compared with in the goals. */
export const DISTRIBUTIONS = ['distribution', 'distribution-debian'] as const
export const OTHERS: readonly ContenderId[] = [...DISTRIBUTIONS, 'zot']
