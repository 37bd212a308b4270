import { median, table } from '../network/support/figures.ts'
import { reached, shownValue, wanted } from './report.ts'
import type { Series } from './chart/lines.ts'
import type { Figure } from './figures.ts'
import type { Result } from './results.ts'

/** A figure that is named `<what> at <number>`. */
interface Measured {
  readonly what: string
  readonly number: number
  readonly figure: Figure
}

/** Figures that are named `<what> at <number>`, as series over that number. */
export function growthSeries(figures: readonly Figure[]): Series[] {
  const groups = Map.groupBy(measured(figures), ({ what }) => what)
  return [...groups].map(([what, group]) => ({
    label: `${what} (${group[0]?.figure.unit ?? ''})`,
    points: group.map(({ number, figure }) => ({
      x: number,
      y: median(figure.values.heliport ?? []),
    })),
  }))
}

/** The same as a table with a column for each number; `undefined` when there are no such figures. */
export function growthTable({ outcome, goals }: Result): string | undefined {
  const all = measured(outcome?.figures ?? [])
  if (all.length === 0) return undefined
  const numbers = [...new Set(all.map(({ number }) => number))].toSorted((a, b) => a - b)
  const shown = (number: number): string => number.toLocaleString('en')
  const rows = [...Map.groupBy(all, ({ what }) => what)].map(([what, group]) => {
    const of = (number: number) => group.find((one) => one.number === number)?.figure
    const told = group.flatMap(({ number, figure }) =>
      (goals[figure.name] ?? []).map((goal) => {
        const words = wanted(goal, figure, (id) => id)
        return { wanted: `${words} at ${shown(number)}`, reached: reached(figure, goal) }
      }),
    )
    return [
      `${what}, ${group[0]?.figure.unit ?? ''}`,
      ...numbers.map((number) => shownValue(of(number)?.values.heliport)),
      told.map((one) => one.wanted).join('; '),
      told.map((one) => one.reached).join('; '),
    ]
  })
  return table([['median', ...numbers.map(shown), 'wanted', 'reached'], ...rows])
}

function measured(figures: readonly Figure[]): Measured[] {
  return figures.flatMap((figure) => {
    const [, what = '', number = ''] = /^(.+) at ([\d,]+)$/.exec(figure.name) ?? []
    const isOurs = what !== '' && (figure.values.heliport ?? []).length > 0
    return isOurs ? [{ what, number: Number(number.replaceAll(',', '')), figure }] : []
  })
}
