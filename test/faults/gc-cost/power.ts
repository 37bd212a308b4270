/**
 * The power of `x` that `y` grows with: the slope of a straight line through the logarithms (least squares); 1 is linear.
 * Of fewer than two points there is none to tell, and it is 0.
 */
export function powerOf(points: readonly { readonly x: number; readonly y: number }[]): number {
  const logs = points.map(({ x, y }) => ({ x: Math.log(x), y: Math.log(y) }))
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length
  const [mx, my] = [mean(logs.map(({ x }) => x)), mean(logs.map(({ y }) => y))]
  const spread = logs.reduce((sum, { x }) => sum + (x - mx) ** 2, 0)
  if (points.length < 2 || spread === 0) return 0
  return logs.reduce((sum, { x, y }) => sum + (x - mx) * (y - my), 0) / spread
}
