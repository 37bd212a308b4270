/** A measured value, with the group that it may be compared in: other groups may lie higher or lower as a whole. */
export interface Point {
  readonly group: number
  readonly x: number
  readonly y: number
}

/** How y changes with x, within the groups. */
export interface Trend {
  readonly slope: number
  /** Half of the slope's 95 % confidence interval. */
  readonly margin: number
  readonly points: number
}

/** Of a normal distribution: with the dozens of points that there are, Student's is the same. */
const Z95 = 1.96

/**
 * Ordinary least squares with one slope for all groups and a constant of its own for each.
 *
 * @returns `undefined` for too few points to say anything
 */
export function trendOf(points: readonly Point[]): Trend | undefined {
  const groups = Object.values(Object.groupBy(points, ({ group }) => group)).map((each) =>
    centred(each ?? []),
  )
  const all = groups.flat()
  const freedom = all.length - groups.length - 1
  const spread = sum(all.map(({ x }) => x * x))
  if (freedom < 3 || spread === 0) return undefined
  const slope = sum(all.map(({ x, y }) => x * y)) / spread
  const rest = sum(all.map(({ x, y }) => (y - slope * x) ** 2))
  return { slope, margin: Z95 * Math.sqrt(rest / freedom / spread), points: all.length }
}

function centred(points: readonly Point[]): { x: number; y: number }[] {
  const [x, y] = [mean(points.map((each) => each.x)), mean(points.map((each) => each.y))]
  return points.map((each) => ({ x: each.x - x, y: each.y - y }))
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
