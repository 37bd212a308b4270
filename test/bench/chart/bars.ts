import { COLORS, line, round, svg, text } from './svg.ts'

/** A ratio: 1 is as good as the other. */
export interface Bar {
  readonly label: string
  readonly value: number
  readonly wanted: number
}

const [WIDTH, LABELS, RIGHT, ROW, TOP] = [860, 430, 60, 22, 34]
/** What is beyond is cut, and its value still told. */
const [LEAST, MOST] = [1 / 8, 8]
const TICKS = [1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8]

/** Bars that go from 1 to the left or right, on a scale where twice and half are as far away. */
export function barChart(bars: readonly Bar[]): string {
  const height = TOP + bars.length * ROW + 12
  const ticks = TICKS.flatMap((tick) => [
    line(place(tick), TOP - 6, place(tick), height - 8),
    text(place(tick), TOP - 12, tick < 1 ? `1/${1 / tick}` : String(tick), 'middle'),
  ])
  const head = text(0, TOP - 12, 'Heliport is so many times as good; | is what was wanted')
  return svg(WIDTH, height, [head, ...ticks, ...bars.flatMap(drawBar)])
}

function drawBar({ label, value, wanted }: Bar, at: number): string[] {
  const y = TOP + at * ROW
  const [from, to] = [place(Math.min(1, value)), place(Math.max(1, value))]
  const color = value >= wanted ? COLORS.good : COLORS.bad
  const width = Math.max(1, to - from)
  return [
    text(0, y + 14, label),
    `<rect x="${round(from)}" y="${y + 3}" width="${round(width)}" height="${ROW - 7}" fill="${color}"/>`,
    line(place(wanted), y + 1, place(wanted), y + ROW - 2, COLORS.text),
    text(WIDTH - 4, y + 14, value.toFixed(2), 'end'),
  ]
}

function place(value: number): number {
  const bounded = Math.min(MOST, Math.max(LEAST, value))
  const share = Math.log(bounded / LEAST) / Math.log(MOST / LEAST)
  return LABELS + share * (WIDTH - RIGHT - LABELS)
}
