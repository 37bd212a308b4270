import { diskSpace } from '../blocks/disk-space.ts'
import { StorageError } from '../blocks/storage-error.ts'
import type { Logger } from 'pino'
import type { DiskSpace } from '../blocks/disk-space.ts'

const MiB = 1024 * 1024
const GiB = 1024 * MiB

/** How long a look at the disk counts, in ms, and for how many blocks (of at most 2 MiB). */
const LOOK_EVERY = 1000
const LOOK_AFTER = 32

/** Files that can be made at the least: uploads and blocks are files, and so is what the state database writes. */
const LEAST_FILES = 256

type Total = Pick<DiskSpace, 'total'>

/**
 * What replication leaves free, in bytes: a twentieth of the disk, at least 256 MiB and at most 10 GiB. Whoever pushes
 * needs room too, and a full disk stops everything.
 */
export function reserveOf({ total }: Total): number {
  return Math.min(Math.max(total / 20, 256 * MiB), 10 * GiB)
}

/**
 * What pushes leave free, in bytes: a fortieth of the disk, at least 32 MiB and at
 * most 1 GiB, but of a small disk no more than an eighth. The state database needs 16 MiB to recover when it has met a
 * full disk, and deletes need room too; replication stops before pushes do.
 */
export function pushReserveOf({ total }: Total): number {
  return Math.min(Math.max(total / 40, 32 * MiB), 1 * GiB, total / 8)
}

/** How much is left free, and by whom. */
export interface RoomOptions {
  readonly reserve: (space: DiskSpace) => number
  /** Who does, and what can be done, for the operator. */
  readonly who: string
  readonly advice: string
  /** Told when the room becomes too small, and when there is enough again. */
  readonly onChange?: (shortage: string | undefined) => void
}

const REPLICATION: RoomOptions = {
  reserve: reserveOf,
  who: 'replication leaves',
  advice: 'make room, or mirror less (repositories)',
}

/** Room on the disk for what is replicated, or pushed. */
export class DiskRoom {
  readonly #look: () => Promise<DiskSpace>
  readonly #now: () => number
  readonly #options: RoomOptions
  #last: { space: DiskSpace; at: number; blocks: number } | undefined
  #wasLow = false

  /** @param look how the disk stands; in place of a directory's */
  constructor(
    look: () => Promise<DiskSpace>,
    now: () => number = Date.now,
    options: RoomOptions = REPLICATION,
  ) {
    this.#look = look
    this.#now = now
    this.#options = options
  }

  /** The room where a directory is. */
  static at(directory: string, options?: RoomOptions): DiskRoom {
    return new DiskRoom(
      () => diskSpace(directory),
      () => performance.now(),
      options,
    )
  }

  /** Asks for one more block. @throws StorageError ENOSPC (one that passes) when the disk is to stay as free as it is */
  async make(): Promise<void> {
    const now = this.#now()
    const last = this.#last
    if (last === undefined || now - last.at >= LOOK_EVERY || ++last.blocks > LOOK_AFTER)
      await this.#lookNow()
    const space = this.#last?.space
    if (space === undefined) return
    const message = this.#judge(space)
    if (message === undefined) return
    this.#last = undefined // the next one looks again
    throw new StorageError(message, 'ENOSPC', true)
  }

  /** What is to be said of a disk that has too little room now; `undefined` when there is enough. */
  async shortage(): Promise<string | undefined> {
    return this.#judge(await this.#lookNow())
  }

  async #lookNow(): Promise<DiskSpace> {
    const space = await this.#look()
    this.#last = { space, at: this.#now(), blocks: 0 }
    return space
  }

  #judge(space: DiskSpace): string | undefined {
    const { advice, onChange } = this.#options
    const shortage = this.#shortageOf(space)
    const isLow = shortage !== undefined
    const message = isLow ? `${shortage}: ${advice}` : undefined
    if (isLow !== this.#wasLow) onChange?.(message)
    this.#wasLow = isLow
    return message
  }

  #shortageOf(space: DiskSpace): string | undefined {
    const { reserve, who } = this.#options
    const kept = reserve(space)
    const [free, least] = [space.free, kept].map((bytes) => Math.round(bytes / MiB))
    if (space.free < kept) return `the disk has ${free} MiB left, and ${who} ${least} MiB free`
    if (space.freeFiles < LEAST_FILES)
      return `the disk can take ${space.freeFiles} more files (inodes), and ${who} ${LEAST_FILES}`
    return undefined
  }
}

/** Room for what is pushed to a registry in a directory. The log tells when it is gone, and when it is back. */
export function roomForPushes(directory: string, log: Logger): DiskRoom {
  const room = log.child({ room: 'daemon' })
  return DiskRoom.at(directory, {
    reserve: pushReserveOf,
    who: 'pushes leave',
    advice: 'make room; until then pushes are refused with 507',
    onChange: (shortage) => {
      if (shortage !== undefined) room.error(shortage)
      else room.info('there is room on the disk again: pushes are taken')
    },
  })
}
