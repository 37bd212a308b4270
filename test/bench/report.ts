import { megabytes, median, table } from '../network/support/figures.ts'
import { isReached, medianRatio } from './figures.ts'
import { titleOf } from './results.ts'
import type { ContenderId } from './contenders.ts'
import type { Figure, Goal } from './figures.ts'
import type { Result } from './results.ts'

/** The figures of a scenario as a table: medians of the rounds, and medians of the ratios within each round. */
export function figuresTable(result: Result): string {
  const figures = result.outcome?.figures ?? []
  const ids = measuredIds(figures)
  const others = ids.filter((id) => id !== 'heliport')
  const title = (id: ContenderId) => titleOf([result], id)
  const head = [
    'median',
    ...ids.map(title),
    ...others.map((id) => `× ${title(id)}`),
    'wanted',
    'reached',
  ]
  const rows = figures.map((figure) => {
    const goals = result.goals[figure.name] ?? []
    return [
      `${figure.name}, ${figure.unit}`,
      ...ids.map((id) => shownValue(figure.values[id])),
      ...others.map((id) => medianRatio(figure, [id])?.toFixed(2) ?? ''),
      goals.map((goal) => wanted(goal, figure, title)).join('; '),
      goals.map((goal) => reached(figure, goal)).join('; '),
    ]
  })
  return table([head, ...rows])
}

/** What a goal says, for a reader. */
export function wanted(goal: Goal, { unit, values }: Figure, title: (id: ContenderId) => string) {
  if ('atMost' in goal) return `at most ${goal.atMost} ${unit}`
  const than = goal.than.filter((id) => values[id] !== undefined).map(title)
  const whom = than.length > 1 ? `the best of ${than.join(', ')}` : (than[0] ?? 'who is not here')
  return `at least ${goal.ratio} × ${whom}`
}

/** Whether it was reached, with the figure that decides. */
export function reached(figure: Figure, goal: Goal): string {
  const isMet = isReached(figure, goal)
  if (isMet === undefined) return 'not measured'
  const word = isMet ? 'yes' : 'NO'
  if ('atMost' in goal) return word
  return `${word}: ${medianRatio(figure, goal.than)?.toFixed(2)}`
}

/** The memory of each registry; `undefined` when nobody looked. */
export function memoryLine(result: Result): string | undefined {
  const memory = Object.entries(result.outcome?.memory ?? {})
  if (memory.length === 0) return undefined
  const each = memory.map(
    ([id, { base, peak }]) =>
      `${titleOf([result], id as ContenderId)} ${megabytes(base)}, ${megabytes(peak)}`,
  )
  return `Memory (RSS) at the start, and at most: ${each.join('; ')}.`
}

/** Who was measured, ours first. */
function measuredIds(figures: readonly Figure[]): ContenderId[] {
  const ids = new Set(figures.flatMap(({ values }) => Object.keys(values) as ContenderId[]))
  return [...ids].toSorted((a, b) => Number(b === 'heliport') - Number(a === 'heliport'))
}

/** A median as it is shown; empty when nothing was measured. */
export function shownValue(values: readonly number[] | undefined): string {
  if (values === undefined || values.length === 0) return ''
  const value = median(values)
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
