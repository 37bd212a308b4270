import { mebibytes } from './memory.ts'
import type { Memory } from './memory.ts'

const MiB = 2 ** 20

/**
 * How much more the daemon may hold after a run than after its warm-up, both times with all garbage collected: else it
 * would be chance, because V8 lets as much garbage lie as it has live objects, and more (measured: up to 130 MiB).
 *
 * Of its heap nothing may be left of a request, but the caches of tree nodes and manifests' facts fill further: measured,
 * 56 MiB after 1,000 requests, 70 after 8,000 and 73 after 130,000. A request that is never let go holds its request,
 * response and context, some 10 KiB: a leak in every sixth request shows in 20,000, one in every two-hundredth in 500,000.
 *
 * Of its own pages more may be left, for malloc gives back little, and LevelDB keeps the index of every table: measured,
 * 158 MiB after 10,000 requests, 174 after 20,000, and from 220 on no more.
 */
const MARGINS = { heap: 24 * MiB, own: 96 * MiB }

/** Requests after which caches are warm and the heap has its size: a quarter of all, within bounds. */
export function warmUp(requests: number): number {
  return Math.min(20_000, Math.max(1000, Math.floor(requests / 4)))
}

/** @throws when memory has not come back to what it was after the warm-up */
export function checkMemory(base: Memory, end: Memory): void {
  const parts = [
    ['heap', base.heap ?? 0, end.heap ?? 0, MARGINS.heap],
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
