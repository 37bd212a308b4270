/** The order of ASCII, in which the distribution-spec lists names. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
