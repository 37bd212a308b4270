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
 * What clients were told of is remembered for `retention.lease`, and what was put for as long (`registry/leases.ts`,
 * `blocks/recent-blocks.ts`, `tree/used-roots.ts`): so many requests an hour, so much of it. Long runs wait until that is over.
 *
 * Over 500,000 requests the registry grows, and with it what the caches hold (which have bounds) and what LevelDB keeps of
 * its tables; so there the measure is a daemon that is started anew on that very data, after as many requests as the
 * warm-up had. What the long one has more than that one is what it did not give back.
 */
const MARGIN = { live: 24 * MiB, own: 32 * MiB, ownShare: 0.1 }

/** Requests after which caches are warm and the heap has its size: a quarter of all, within bounds. */
export function warmUp(requests: number): number {
  return Math.min(20_000, Math.max(1000, Math.floor(requests / 4)))
}

/** Whether so many requests leave a registry behind that is not the one of the warm-up any more. */
export function isLong(requests: number): boolean {
  return requests >= 100_000
}

/** Whether so few requests are sent that a quarter of them warm caches, and not yet the rest of the process. */
export function isShort(requests: number): boolean {
  return requests < 10_000
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
