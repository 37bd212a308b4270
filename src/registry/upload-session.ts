import { RegistryError } from '../oci/errors.ts'
import { rangeInvalid } from './upload-range.ts'
import type { Upload } from './ports.ts'

/** How a session left the memory: `forget` leaves it on disk, `discard` ends it for good. */
export type Leaving = 'forget' | 'discard'

/** One open upload, which one request at a time may change. */
export class Session {
  readonly upload: Upload
  /** When somebody last asked for it, or else when it was begun; in ms since the epoch. */
  usedAt: number
  readonly #now: () => number
  readonly #onLeave: (how: Leaving) => void
  /** It met a limit: whoever needs room may end it, unless its client comes back first. */
  isGivenUp = false
  /** Set while its repository is being deleted. */
  isMarked = false
  #isOver = false
  #isBusy = false
  #left: Leaving | undefined

  constructor(upload: Upload, now: () => number, onLeave: (how: Leaving) => void) {
    this.upload = upload
    this.usedAt = upload.startedAt
    this.#now = now
    this.#onLeave = onLeave
  }

  /** It is not in memory any more: only the disk knows what it has. */
  get isForgotten(): boolean {
    return this.#left === 'forget'
  }

  get isBusy(): boolean {
    return this.#isBusy
  }

  /** What is written to it now comes to nothing. */
  get isEnding(): boolean {
    return this.isMarked || this.#isOver
  }

  /**
   * Runs work that no other request for this session runs beside.
   *
   * @throws RegistryError RANGE_INVALID at once when another one is at it: to wait would be to accept a chunk whose
   * place is not known yet; BLOB_UPLOAD_UNKNOWN or UNAVAILABLE when the session has left since it was found
   */
  async alone<T>(work: (upload: Upload) => Promise<T>): Promise<T> {
    if (this.#left === 'discard' || this.isEnding) throw uploadUnknown(this.upload.id)
    if (this.#left === 'forget')
      throw new RegistryError('UNAVAILABLE', { headers: { 'Retry-After': '1' } })
    if (this.#isBusy) {
      throw rangeInvalid(this.upload.size, 'another request is writing to this upload')
    }
    this.#isBusy = true
    try {
      return await work(this.upload)
    } finally {
      this.usedAt = this.#now()
      this.#isBusy = false
      if (this.#isOver && this.#left !== 'discard') await this.discard()
    }
  }

  /** Drops what is in memory; the next request opens the upload again from the disk. */
  forget(): void {
    this.#leave('forget')
  }

  /** Ends the session for good, or leaves that to the request that is writing to it. */
  async end(): Promise<void> {
    this.#isOver = true
    if (!this.#isBusy) await this.discard()
  }

  /** Ends the session for good. */
  async discard(): Promise<void> {
    await this.upload.discard()
    this.#leave('discard')
  }

  #leave(how: Leaving): void {
    this.#left = how
    this.#onLeave(how)
  }
}

/** The error for an upload that is not here, or not in this repository. */
export function uploadUnknown(id: string): RegistryError {
  return new RegistryError('BLOB_UPLOAD_UNKNOWN', { detail: { id: id.slice(0, 64) } })
}
