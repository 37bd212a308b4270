import { statfs } from 'node:fs/promises'
import { StorageError } from '../blocks/storage-error.ts'

const MiB = 1024 * 1024
const GiB = 1024 * MiB

/** How long a look at the disk counts, in ms, and for how many blocks (of at most 2 MiB). */
const LOOK_EVERY = 1000
const LOOK_AFTER = 32

/** What a disk has, in bytes. */
export interface DiskSpace {
  readonly free: number
  readonly total: number
}

/**
 * What replication leaves free, in bytes: a twentieth of the disk, at least 256 MiB and at most 10 GiB. Whoever pushes
 * needs room too, and a full disk stops everything.
 */
export function reserveOf({ total }: DiskSpace): number {
  return Math.min(Math.max(total / 20, 256 * MiB), 10 * GiB)
}

/** Room on the disk for what is replicated. */
export class DiskRoom {
  readonly #look: () => Promise<DiskSpace>
  readonly #now: () => number
  #last: { space: DiskSpace; at: number; blocks: number } | undefined

  /** @param look how the disk stands; in place of a directory's */
  constructor(look: () => Promise<DiskSpace>, now: () => number = Date.now) {
    this.#look = look
    this.#now = now
  }

  /** The room where a directory is. */
  static at(directory: string): DiskRoom {
    return new DiskRoom(async () => {
      const { bavail, blocks, bsize } = await statfs(directory)
      return { free: bavail * bsize, total: blocks * bsize }
    })
  }

  /** Asks for one more block. @throws StorageError ENOSPC (one that passes) when the disk is to stay as free as it is */
  async make(): Promise<void> {
    const now = this.#now()
    const last = this.#last
    if (last === undefined || now - last.at >= LOOK_EVERY || ++last.blocks > LOOK_AFTER)
      this.#last = { space: await this.#look(), at: now, blocks: 0 }
    const space = this.#last?.space
    if (space === undefined || space.free >= reserveOf(space)) return
    this.#last = undefined // the next one looks again
    const [free, kept] = [space.free, reserveOf(space)].map((bytes) => Math.round(bytes / MiB))
    throw new StorageError(
      `the disk has ${free} MiB left, and replication leaves ${kept} MiB free: make room, or mirror less (repositories)`,
      'ENOSPC',
      true,
    )
  }
}
