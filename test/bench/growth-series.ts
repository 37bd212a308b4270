import { median } from '../network/support/figures.ts'
import type { Series } from './chart/lines.ts'
import type { Figure } from './figures.ts'

/** Figures that are named `<what> at <number>`, as series over that number. */
export function growthSeries(figures: readonly Figure[]): Series[] {
  const series = new Map<string, { label: string; points: { x: number; y: number }[] }>()
  for (const { name, unit, values } of figures) {
    const [, what = '', number = ''] = /^(.+) at ([\d,]+)$/.exec(name) ?? []
    const ours = values.heliport ?? []
    if (what === '' || ours.length === 0) continue
    const label = `${what} (${unit})`
    const one = series.get(label) ?? { label, points: [] }
    series.set(label, one)
    one.points.push({ x: Number(number.replaceAll(',', '')), y: median(ours) })
  }
  return [...series.values()]
}
