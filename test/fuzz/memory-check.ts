import { mebibytes } from './memory.ts'
import type { Memory } from './memory.ts'

const MiB = 2 ** 20

/**
 * What "memory is back" means: at most a minute after the last request, with every upload cancelled, the process has at most so
 * much more than a minute after its warm-up, by its own doing (`daemon/heap.ts`, and malloc's settings in the launcher).
 *
 * Of live objects nothing may be left of a request, but the caches of tree nodes and manifests' facts fill further. A
 * request that is never let go holds its request, response and context, some 10 KiB: a leak in every sixth request shows
 * in 20,000, one in every two-hundredth in 500,000.
 *
 * Of the pages in RAM those count that are the process's own, a tenth or 32 MiB more where that is more. The others are of
 * files that it maps, the program and LevelDB's tables, of which there are more when more was pushed; they are the
 * system's to take back.
 *
 * Measured over 20,000 requests: 105 MiB after the warm-up, at most 158, 134 at the end. Over 500,000 it is not met:
 * 127 MiB after 20,000, at most 438, 199 at the end (RSS 203, 580, 294), with 15 MiB more of live objects. A profile of
 * malloc's heap (jemalloc in its place, 80,000 requests) showed no leak: 33 MiB in use, 23 of them LevelDB's, and own pages
 * 129 MiB after 20,000 and 137 after 80,000. With glibc's malloc it was 104 and, after 150,000, 139: 18
 * more in use by malloc, 14 more live objects. So as far as was looked into, the rest are holes that glibc's malloc keeps,
 * and what LevelDB keeps of its tables, of which there are ever more.
 */
const MARGIN = { live: 24 * MiB, own: 32 * MiB, ownShare: 0.1 }

/** Requests after which caches are warm and the heap has its size: a quarter of all, within bounds. */
export function warmUp(requests: number): number {
  return Math.min(20_000, Math.max(1000, Math.floor(requests / 4)))
}

/** What is not back to what it was after the warm-up, in words; `undefined` when all is. */
export function notBack(base: Memory, end: Memory): string | undefined {
  const own = Math.max(MARGIN.own, base.own * MARGIN.ownShare)
  return objectsLeft(base, end) ?? over('own pages', base.own, end.own, own)
}

/** The same of objects alone: after some hundred requests the rest of the process is not warm yet. */
export function objectsLeft(base: Memory, end: Memory): string | undefined {
  return over('live objects', base.live ?? 0, end.live ?? 0, MARGIN.live)
}

function over(what: string, was: number, is: number, margin: number): string | undefined {
  if (is <= was + margin) return undefined
  const more = mebibytes(margin)
  return `${what}: ${mebibytes(is)}, and ${mebibytes(was)} after the warm-up: that is over ${more} more`
}
