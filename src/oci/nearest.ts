/** The most letters that may differ for a name to count as a slip. */
function tolerance(name: string): number {
  return Math.ceil(name.length / 3)
}

/** Which of the names somebody may have meant by one that is none of them; `undefined`: it is like none. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  // A long name is no slip of a short one, and its distance would be costly to work out.
  if (name.length > 64) return undefined
  const ranked = candidates
    .map((candidate) => ({
      candidate,
      distance: distance(name.toLowerCase(), candidate.toLowerCase()),
    }))
    .filter((entry) => entry.distance <= tolerance(entry.candidate))
    .toSorted((a, b) => a.distance - b.distance)
  return ranked[0]?.candidate
}

/** Levenshtein's edit distance, row by row. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of a.split('').entries()) {
    const next = [i + 1]
    for (const [j, other] of b.split('').entries()) {
      const swap = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(swap, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
