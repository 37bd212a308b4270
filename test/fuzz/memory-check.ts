import { mebibytes } from './memory.ts'
import type { Memory } from './memory.ts'

const MiB = 2 ** 20

/**
 * How much more the daemon may hold after a run than after its warm-up, both times with all garbage collected: else it
 * would be chance, because V8 lets as much garbage lie as it has live objects, and more (measured: up to 150 MiB).
 *
 * Of what is live nothing may be left of a request, but the caches of tree nodes and manifests' facts fill further:
 * measured, the heap had 56 MiB after 1,000 requests, 70 after 8,000, 72 after 20,000 and 76 after 500,000. A request that
 * is never let go holds its request, response and context, some 10 KiB: a leak in every sixth request shows in 20,000, one
 * in every two-hundredth in 500,000.
 *
 * Of its own pages more are left, because malloc gives little back: once blocks of some MiB were freed, glibc keeps up to
 * 64 MiB at the end of its heap (M_TRIM_THRESHOLD, mallopt(3)), and as much in the arenas of other threads. Measured, 140
 * to 186 MiB after 20,000 requests, 222 after 130,000 and 247 after 500,000; a `malloc_trim` after 40,000 freed 36 of it.
 */
const MARGINS = { live: 24 * MiB, own: 160 * MiB }

/** Requests after which caches are warm and the heap has its size: a quarter of all, within bounds. */
export function warmUp(requests: number): number {
  return Math.min(20_000, Math.max(1000, Math.floor(requests / 4)))
}

/** @throws when memory has not come back to what it was after the warm-up */
export function checkMemory(base: Memory, end: Memory): void {
  const parts = [
    ['live objects', base.live ?? 0, end.live ?? 0, MARGINS.live],
    ['own pages', base.own, end.own, MARGINS.own],
  ] as const
  for (const [what, was, is, margin] of parts) {
    if (is <= was + margin) continue
    const more = mebibytes(margin)
    throw new Error(
      `${what}: ${mebibytes(is)}, and ${mebibytes(was)} after the warm-up: that is over ${more} more`,
    )
  }
}
