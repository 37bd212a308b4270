import { randomBytes } from 'node:crypto'
import { rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { diskSpace } from './disk-space.ts'
import { isNotFound, writeWhole } from './files.ts'
import type { DiskSpace } from './disk-space.ts'

const MiB = 1024 * 1024

/** Bytes of each: of a small disk no more than a tenth. */
function spareBytes({ total }: { readonly total: number }): number {
  return Math.min(16 * MiB, Math.floor(total / 10))
}

/**
 * Files that take room on the disk so that it can be given up. When others have filled the disk to the last byte, what frees
 * room again needs some itself: deletes, and a collection. There is one for that, and one for starting, so that however the
 * first was used up, what is here can be read. Pushes are refused long before either is touched.
 */
export class SpareRoom {
  readonly #directory: string
  readonly #files: Readonly<Record<'start' | 'work', string>>

  /** @param directory the data directory */
  constructor(directory: string) {
    this.#directory = directory
    this.#files = { start: join(directory, 'spare-start'), work: join(directory, 'spare-work') }
  }

  /** Gives up what there is for somebody. False: nothing. */
  async giveUp(forWhom: 'start' | 'work'): Promise<boolean> {
    if (await remove(this.#files[forWhom])) return true
    return forWhom === 'start' && (await remove(this.#files.work))
  }

  /** Sets aside what is not, as long as so much stays free, in bytes. */
  async setAside(leave: (space: DiskSpace) => number): Promise<void> {
    for (const path of Object.values(this.#files)) {
      if (await isThere(path)) continue
      const space = await diskSpace(this.#directory)
      const length = spareBytes(space)
      if (space.free - length < leave(space)) return
      // Not zeros, which some file systems store as nothing.
      await writeWhole(
        this.#directory,
        basename(path),
        Buffer.alloc(length, randomBytes(64 * 1024)),
      )
    }
  }
}

async function remove(path: string): Promise<boolean> {
  try {
    await rm(path)
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}
