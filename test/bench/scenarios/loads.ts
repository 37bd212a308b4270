import { MIB } from '../../network/support/figures.ts'
import { blobOf } from '../load/content.ts'
import type { Blob } from '../load/content.ts'

/** Blobs that are pushed and pulled together. */
export interface BlobLoad {
  readonly count: number
  /** MiB of each. */
  readonly mib: number
}

/** The loads of the bench, by what is put into the ids of scenarios. */
export const LOADS = {
  '1x1g': { count: 1, mib: 1024 },
  '8x100m': { count: 8, mib: 100 },
  '100x1m': { count: 100, mib: 1 },
} as const satisfies Record<string, BlobLoad>

export const REPOSITORY = 'bench/blobs'

/** When it only has to work. */
const QUICK: BlobLoad = { count: 3, mib: 2 }

export function scaled(load: BlobLoad, quick: boolean): BlobLoad {
  if (!quick) return load
  return { count: Math.min(load.count, QUICK.count), mib: Math.min(load.mib, QUICK.mib) }
}

export function bytesOf({ count, mib }: BlobLoad): number {
  return count * mib * MIB
}

export function nameOf({ count, mib }: BlobLoad): string {
  return `${count} × ${mib >= 1024 ? `${mib / 1024} GiB` : `${mib} MiB`}`
}

/** Blobs like no others: `seed` is the round. */
export function blobsOf({ count, mib }: BlobLoad, seed: number, tar = false): Blob[] {
  return Array.from({ length: count }, (_, at) =>
    blobOf({ seed: seed * 1000 + at, size: mib * MIB, ...(tar ? { tar } : {}) }),
  )
}
