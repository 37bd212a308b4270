/**
 * What somebody sent, cut short for an error's detail. What is no text is named by its type: turning it into text runs
 * code of its own, and may throw.
 */
export function shown(value: unknown, length: number): string {
  return typeof value === 'string' ? value.slice(0, length) : `(${typeof value})`
}
