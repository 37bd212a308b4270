import type { Page } from '../registry/ports.ts'

/** Where the first name that is not before `name` stands in names in ASCII order. */
export function positionOf(names: readonly string[], name: string): number {
  let [low, high] = [0, names.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((names[middle] ?? '') < name) low = middle + 1
    else high = middle
  }
  return low
}

export function isIn(names: readonly string[], name: string): boolean {
  return names[positionOf(names, name)] === name
}

/** A page of names in ASCII order: at most `limit`, all after `after`. */
export function pageOf(names: readonly string[], { after, limit }: Page): string[] {
  const at = after === undefined ? 0 : positionOf(names, after)
  const start = after !== undefined && names[at] === after ? at + 1 : at
  return names.slice(start, limit === undefined ? undefined : start + limit)
}
