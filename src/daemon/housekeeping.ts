import { removeTemporary } from '../blocks/files.ts'
import { SpareRoom } from '../blocks/spare-room.ts'
import { pushReserveOf } from './disk-room.ts'
import type { Logger } from 'pino'
import type { Uploads } from '../registry/uploads.ts'
import type { DiskBlockStore } from '../blocks/disk-block-store.ts'
import type { DataDirectory } from './data-directory.ts'

const HOUR = 3_600_000
const MINUTE = 60_000

/** What is tidied up, slowly and in the background. */
export interface HousekeepingParts {
  readonly directory: DataDirectory
  readonly blocks: DiskBlockStore
  readonly uploads: Uploads
  readonly log: Logger
}

/**
 * Removes what earlier lives of the process left half written, and once an hour the upload sessions that nobody came
 * back to; sets room aside for when the disk is full, as long as it is not. Nothing depends on it, so its failures are only told.
 */
export class Housekeeping implements AsyncDisposable {
  readonly #parts: HousekeepingParts
  readonly #stop = new AbortController()
  readonly #timers: readonly NodeJS.Timeout[]
  #running: Promise<void>

  constructor(parts: HousekeepingParts) {
    this.#parts = parts
    this.#running = this.#attempt(
      (signal) => this.#removeLeftovers(signal),
      'temporary files',
    ).then(() => this.#setAside())
    this.#timers = [
      this.#every(HOUR, () => this.#purge()),
      this.#every(MINUTE, () => this.#setAside()),
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    this.#stop.abort()
    await this.#running
  }

  #every(ms: number, work: () => Promise<void>): NodeJS.Timeout {
    return setInterval(() => void (this.#running = this.#running.then(work)), ms).unref()
  }

  async #removeLeftovers(signal: AbortSignal): Promise<number> {
    const { directory, blocks } = this.#parts
    const others = await Promise.all([directory.path, directory.uploads].map(removeTemporary))
    return others.reduce((sum, removed) => sum + removed, await blocks.removeLeftovers({ signal }))
  }

  #purge(): Promise<void> {
    return this.#attempt((signal) => this.#parts.uploads.purge({ signal }), 'idle upload sessions')
  }

  async #setAside(): Promise<void> {
    const { directory, log } = this.#parts
    if (this.#stop.signal.aborted) return
    try {
      await new SpareRoom(directory.path).setAside(pushReserveOf)
    } catch (error) {
      log.warn({ err: error }, 'could not set room aside for when the disk is full')
    }
  }

  async #attempt(work: (signal: AbortSignal) => Promise<number>, what: string): Promise<void> {
    const { log } = this.#parts
    try {
      const removed = await work(this.#stop.signal)
      if (removed > 0) log.info({ removed }, `removed ${what}`)
    } catch (error) {
      if (!this.#stop.signal.aborted) log.warn({ err: error }, `could not remove ${what}`)
    }
  }
}
