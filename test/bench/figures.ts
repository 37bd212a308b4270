import { median } from '../network/support/figures.ts'
import type { ContenderId } from './contenders.ts'

/** Of the first two more is better, of the others less. */
export type Unit = 'MiB/s' | 'requests/s' | 'ms' | 'MB' | 'times as long'

/** What one turn of one contender gave. */
export interface Sample {
  /** The name of the figure, such as `p99`. */
  readonly name: string
  readonly unit: Unit
  readonly value: number
}

/** What is wanted of Heliport. */
export type Goal =
  /** At least so many times as good as the best of these. */
  { readonly ratio: number; readonly than: readonly ContenderId[] } | { readonly atMost: number }

/** One figure of a scenario: of each contender the values, one a round. */
export interface Figure {
  readonly name: string
  readonly unit: Unit
  readonly values: Readonly<Partial<Record<ContenderId, readonly number[]>>>
}

/** How much better ours is: 2 is twice as fast, or half as long. */
export function ratio(unit: Unit, ours: number, theirs: number): number {
  return unit === 'MiB/s' || unit === 'requests/s' ? ours / theirs : theirs / ours
}

/**
 * How much better Heliport is than the best of these: the median of the ratios of each round, so that what else the
 * machine did in a round counts for all. `undefined` when it or all of them were not measured.
 */
export function medianRatio(
  { unit, values }: Figure,
  than: readonly ContenderId[],
): number | undefined {
  const ratios = (values.heliport ?? []).flatMap((ours, round) => {
    const others = than.flatMap((id) => values[id]?.[round] ?? [])
    return others.length === 0 ? [] : [Math.min(...others.map((one) => ratio(unit, ours, one)))]
  })
  return ratios.length === 0 ? undefined : median(ratios)
}

/** Whether a goal is reached; `undefined` when that was not measured. */
export function isReached(figure: Figure, goal: Goal): boolean | undefined {
  if ('ratio' in goal) {
    const reached = medianRatio(figure, goal.than)
    return reached === undefined ? undefined : reached >= goal.ratio
  }
  const ours = figure.values.heliport
  return ours === undefined || ours.length === 0 ? undefined : median(ours) <= goal.atMost
}

/** Samples of all turns, put together by name. Rounds are in the order in which they come. */
export class FigureBook {
  readonly #figures = new Map<
    string,
    { unit: Unit; values: Partial<Record<ContenderId, number[]>> }
  >()

  note(contender: ContenderId, samples: readonly Sample[]): void {
    for (const { name, unit, value } of samples) {
      const figure = this.#figures.get(name) ?? { unit, values: {} }
      this.#figures.set(name, figure)
      ;(figure.values[contender] ??= []).push(value)
    }
  }

  figures(): Figure[] {
    return [...this.#figures].map(([name, figure]) => ({ name, ...figure }))
  }
}
