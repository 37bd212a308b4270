import { setImmediate } from 'node:timers/promises'

/** Names that are sorted, or merged, before others have their turn: a few milliseconds. */
const STEP = 8192

/** Names in ASCII order, each once. A million of them in one go would hold the event loop for more than a second. */
export async function sortInTurns(names: readonly string[]): Promise<string[]> {
  let runs: string[][] = []
  for (let at = 0; at < names.length; at += STEP) {
    if (at > 0) await setImmediate()
    runs.push([...new Set(names.slice(at, at + STEP))].sort())
  }
  while (runs.length > 1) {
    const merged: string[][] = []
    for (let n = 0; n < runs.length; n += 2)
      merged.push(await merge(runs[n] ?? [], runs[n + 1] ?? []))
    runs = merged
  }
  return runs[0] ?? []
}

async function merge(a: readonly string[], b: readonly string[]): Promise<string[]> {
  const all: string[] = []
  let [i, j] = [0, 0]
  for (;;) {
    const [left, right] = [a[i], b[j]]
    if (left === undefined && right === undefined) return all
    const isLeft = right === undefined || (left !== undefined && left <= right)
    all.push((isLeft ? left : right) ?? '')
    if (left === right || !isLeft) j++
    if (isLeft) i++
    if (all.length % STEP === 0) await setImmediate()
  }
}
