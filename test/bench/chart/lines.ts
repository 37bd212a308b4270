import { COLORS, line, round, svg, text } from './svg.ts'

/** One thing that grows. */
export interface Series {
  readonly label: string
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [860, 360, 60, 260, 20, 40]

/** Lines on two logarithmic scales. */
export function lineChart(series: readonly Series[], below: string): string {
  const points = series.flatMap((one) => one.points)
  if (points.length === 0) return svg(WIDTH, 40, [text(0, 20, 'Not measured yet.')])
  const x = scale(
    points.map((point) => point.x),
    LEFT,
    WIDTH - RIGHT,
  )
  const y = scale(
    points.map((point) => point.y),
    HEIGHT - BOTTOM,
    TOP,
  )
  const grid = [
    ...x.ticks.flatMap((tick) => [
      line(x.place(tick), TOP, x.place(tick), HEIGHT - BOTTOM),
      text(x.place(tick), HEIGHT - BOTTOM + 16, tick.toLocaleString('en'), 'middle'),
    ]),
    ...y.ticks.flatMap((tick) => [
      line(LEFT, y.place(tick), WIDTH - RIGHT, y.place(tick)),
      text(LEFT - 6, y.place(tick) + 4, tick.toLocaleString('en'), 'end'),
    ]),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, below, 'middle'),
  ]
  const drawn = series.flatMap(({ label, points: own }, at) => {
    const color = COLORS.series[at % COLORS.series.length] ?? COLORS.text
    const path = own.map((point) => `${round(x.place(point.x))},${round(y.place(point.y))}`)
    return [
      `<polyline points="${path.join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>`,
      text(WIDTH - RIGHT + 12, TOP + 16 + at * 18, label, 'start', color),
    ]
  })
  return svg(WIDTH, HEIGHT, [...grid, ...drawn])
}

/** From the power of ten below all to the one above all. */
function scale(values: readonly number[], from: number, to: number) {
  const least = Math.floor(Math.log10(Math.min(...values)))
  const most = Math.max(least + 1, Math.ceil(Math.log10(Math.max(...values))))
  const place = (value: number) =>
    from + ((Math.log10(value) - least) / (most - least)) * (to - from)
  const ticks = Array.from({ length: most - least + 1 }, (_, step) => 10 ** (least + step))
  return { place, ticks }
}
