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
  /** Set when the blob is in the tree: what comes after that cannot take it back. */
  isLinked = false
  /** Stops the request that is writing to it, once it is over. */
  readonly #over = new AbortController()
  /** Resolves when the request that is writing to it has ended; `undefined` while there is none. */
  #work: Promise<void> | undefined
  /** Its end, for all who want it at the same time; `undefined` before that, and after one that failed. */
  #ending: Promise<void> | undefined
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
    return this.#work !== undefined
  }

  /** It was ended for good, though something of it may still be there. */
  get isOver(): boolean {
    return this.#over.signal.aborted
  }

  /** What is written to it now comes to nothing. */
  get isEnding(): boolean {
    return this.isMarked || this.isOver
  }

  /**
   * Runs work that no other request for this session runs beside.
   *
   * @param work its signal is aborted when the session is ended meanwhile
   * @throws RegistryError RANGE_INVALID at once when another one is at it: to wait would be to accept a chunk whose
   * place is not known yet; BLOB_UPLOAD_UNKNOWN or UNAVAILABLE when the session has left since it was found
   */
  async alone<T>(work: (upload: Upload, signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#left === 'discard' || this.isEnding) throw uploadUnknown(this.upload.id)
    if (this.#left === 'forget')
      throw new RegistryError('UNAVAILABLE', { headers: { 'Retry-After': '1' } })
    if (this.isBusy) {
      throw rangeInvalid(this.upload.size, 'another request is writing to this upload')
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#work = promise
    try {
      return await work(this.upload, this.#over.signal)
    } finally {
      this.usedAt = this.#now()
      this.#work = undefined
      resolve()
    }
  }

  /**
   * Drops what is in memory; the next request opens the upload again from the disk. Not one that is over: whoever opened it
   * again could go on with it until it is gone.
   */
  forget(): void {
    if (!this.isOver) this.#leave('forget')
  }

  /**
   * Ends the session for good: stops the request that is writing to it, waits until that has let go, and removes what is
   * there. From this call on it takes nothing and links nothing, but for what the tree is taking already.
   *
   * @returns false when its blob is in the tree: it was finished first
   * @throws what kept it from being removed; it may be called again then
   */
  async end(): Promise<boolean> {
    this.#over.abort(uploadUnknown(this.upload.id))
    this.#ending ??= this.#end().finally(() => (this.#ending = undefined))
    await this.#ending
    return !this.isLinked
  }

  async #end(): Promise<void> {
    await this.#work
    if (this.#left !== 'discard') await this.discard()
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
