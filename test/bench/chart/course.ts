import { COLORS, line, round, svg, text } from './svg.ts'
import type { CoursePoint } from '../scenario.ts'

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [860, 260, 60, 20, 24, 40]

/** Ticks of a scale, about so many. */
const TICKS = 6

/** Memory over time, both from zero on. */
export function courseChart(course: readonly CoursePoint[], limit: number): string {
  if (course.length === 0) return svg(WIDTH, 40, [text(0, 20, 'Not measured yet.')])
  const minutes = course.map(({ seconds }) => seconds / 60)
  const x = scale(Math.max(...minutes), LEFT, WIDTH - RIGHT)
  const y = scale(Math.max(limit, ...course.map(({ mb }) => mb)), HEIGHT - BOTTOM, TOP)
  const grid = [
    ...x.ticks.flatMap((tick) => [
      line(x.place(tick), TOP, x.place(tick), HEIGHT - BOTTOM),
      text(x.place(tick), HEIGHT - BOTTOM + 16, String(tick), 'middle'),
    ]),
    ...y.ticks.flatMap((tick) => [
      line(LEFT, y.place(tick), WIDTH - RIGHT, y.place(tick)),
      text(LEFT - 6, y.place(tick) + 4, String(tick), 'end'),
    ]),
    line(LEFT, y.place(limit), WIDTH - RIGHT, y.place(limit), COLORS.bad),
    text(LEFT + 4, y.place(limit) - 4, `at most ${limit} MB`, 'start', COLORS.bad),
    text(0, 12, 'memory (RSS), MB'),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, 'minutes', 'middle'),
  ]
  const path = course.map(
    ({ mb }, at) => `${round(x.place(minutes[at] ?? 0))},${round(y.place(mb))}`,
  )
  const drawn = `<polyline points="${path.join(' ')}" fill="none" stroke="${COLORS.series[0]}" stroke-width="1.5"/>`
  return svg(WIDTH, HEIGHT, [...grid, drawn])
}

/** From zero to the most, with ticks at 1, 2 or 5 times a power of ten. */
function scale(most: number, from: number, to: number) {
  const rough = Math.max(most, Number.EPSILON) / TICKS
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5].find((each) => each * power >= rough) ?? 10)
  const end = Math.max(most, Number.EPSILON)
  const place = (value: number) => from + (value / end) * (to - from)
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, at) =>
    Number((at * step).toPrecision(6)),
  )
  return { place, ticks }
}
