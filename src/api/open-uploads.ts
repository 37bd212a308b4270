import { RegistryError } from '../oci/errors.ts'

/** An upload that nobody came back to for so long does not count any more, in ms: no pause inside a push is longer. */
const FORGOTTEN_MS = 3_600_000
/** When one may be over nobody knows. */
const RETRY_AFTER = '30'

/** The uploads that one client has open. */
export class OpenUploads {
  readonly #most: number
  readonly #now: () => number
  /** When each was last used, in ms; the least recently used first. */
  readonly #open = new Map<string, number>()
  #beginning = 0

  /** @param now a clock in ms */
  constructor(most: number, now: () => number) {
    this.#most = most
    this.#now = now
  }

  /** Takes a place for one that is about to begin. @throws RegistryError TOOMANYREQUESTS when there is none */
  begin(): void {
    const stale = this.#now() - FORGOTTEN_MS
    for (const [id, usedAt] of this.#open) {
      if (usedAt > stale) break
      this.#open.delete(id)
    }
    if (this.#open.size + this.#beginning >= this.#most)
      throw new RegistryError('TOOMANYREQUESTS', {
        message: `${this.#most} uploads are open: finish or cancel one first`,
        headers: { 'Retry-After': RETRY_AFTER },
      })
    this.#beginning += 1
  }

  /** It has begun, under this id, or it has not. */
  begun(id: string | undefined): void {
    this.#beginning -= 1
    if (id !== undefined) this.#open.set(id, this.#now())
  }

  /** Somebody goes on with it. */
  used(id: string): void {
    if (this.#open.delete(id)) this.#open.set(id, this.#now())
  }

  over(id: string): void {
    this.#open.delete(id)
  }
}
