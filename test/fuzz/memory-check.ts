import { mebibytes } from './memory.ts'
import type { Memory } from './memory.ts'

const MiB = 2 ** 20

/**
 * What "memory is back" means: within a minute after the last request, with every upload cancelled, the process has at
 * most so much more than after its warm-up, by its own doing (`daemon/heap.ts`, and malloc's settings in the
 * launcher). After the warm-up we collect its garbage, so as not to begin too high.
 *
 * Of live objects nothing may be left of a request, but the caches of tree nodes and manifests' facts fill further:
 * measured, the heap had 56 MiB after 1,000 requests, 70 after 8,000, 72 after 20,000 and 76 after 500,000. A request that
 * is never let go holds its request, response and context, some 10 KiB: a leak in every sixth request shows in 20,000, one
 * in every two-hundredth in 500,000.
 *
 * RSS, with all that malloc and V8 keep, is allowed a tenth, or 32 MiB where that is more: small blocks that live on lie
 * between others that were freed, and keep their pages. Measured over 20,000 requests: 181 MiB after a warm-up of 5,000,
 * at most 241, 197 at the end. Before malloc was set up and an idle heap shrank, 500,000 left 336 where there had been 210.
 */
const MARGIN = { live: 24 * MiB, rss: 32 * MiB, rssShare: 0.1 }

/** Requests after which caches are warm and the heap has its size: a quarter of all, within bounds. */
export function warmUp(requests: number): number {
  return Math.min(20_000, Math.max(1000, Math.floor(requests / 4)))
}

/** What is not back to what it was after the warm-up, in words; `undefined` when all is. */
export function notBack(base: Memory, end: Memory): string | undefined {
  const rss = Math.max(MARGIN.rss, base.all * MARGIN.rssShare)
  return objectsLeft(base, end) ?? over('RSS', base.all, end.all, rss)
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
