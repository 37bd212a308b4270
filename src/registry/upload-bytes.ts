import { RegistryError } from '../oci/errors.ts'

/** What {@link UploadBytes} begin with. */
export interface UploadBytesInit {
  /** Bytes of all open uploads together. */
  readonly max: number
  /** Uploads on disk, from before a restart. */
  readonly ids: () => Promise<Iterable<string>>
  /** Bytes of one of them, without reading them; `undefined` when it is gone. */
  readonly size: (id: string) => Promise<number | undefined>
}

/**
 * How many bytes all open uploads have together, and how many they may have. A byte is counted before it is written, so
 * that the bound holds however many write at once; what is in doubt after a failure counts until the disk was asked.
 */
export class UploadBytes {
  readonly #init: UploadBytesInit
  readonly #sizes = new Map<string, number>()
  /** Those that ended while the disk was being asked. */
  readonly #ended = new Set<string>()
  #loading: Promise<void> | undefined
  #isLoaded = false
  #total = 0

  constructor(init: UploadBytesInit) {
    this.#init = init
  }

  /** Bytes of all that are known. */
  get total(): number {
    return this.#total
  }

  get isFull(): boolean {
    return this.#total >= this.#init.max
  }

  /** Asks the disk, once, what is there from before. To be awaited before anything is counted. */
  load(): Promise<void> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined // the next one asks again
      throw error
    })
    return this.#loading
  }

  async #load(): Promise<void> {
    for (const id of await this.#init.ids()) {
      if (this.#sizes.has(id)) continue
      const size = await this.#init.size(id)
      if (size !== undefined && !this.#sizes.has(id) && !this.#ended.has(id)) this.set(id, size)
    }
    this.#isLoaded = true
    this.#ended.clear()
  }

  /** Says how many bytes an upload has. */
  set(id: string, size: number): void {
    this.#total += size - (this.#sizes.get(id) ?? 0)
    this.#sizes.set(id, size)
  }

  /** An upload has ended. */
  end(id: string): void {
    this.#total -= this.#sizes.get(id) ?? 0
    this.#sizes.delete(id)
    if (!this.#isLoaded) this.#ended.add(id)
  }

  /** Whether an upload may have so many more; they are counted then. */
  take(id: string, bytes: number): boolean {
    if (this.#total + bytes > this.#init.max) return false
    this.set(id, (this.#sizes.get(id) ?? 0) + bytes)
    return true
  }

  /** What whoever finds no room is told. It passes: others finish, or are given up. */
  refusal(cause?: unknown): RegistryError {
    return new RegistryError('TOOMANYREQUESTS', {
      message: `all open uploads together may have ${this.#init.max} bytes (limits.uploads); finish or cancel some first`,
      headers: { 'Retry-After': '10' },
      cause,
    })
  }
}
