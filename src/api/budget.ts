import { RegistryError } from '../oci/errors.ts'

/** Bytes that may be in memory at once over all requests. */
export class Budget {
  readonly #limit: number
  #used = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** One request's share, given back all at once. */
  open(): { reserve(bytes: number): void; release(): void } {
    let held = 0
    return {
      /** @throws RegistryError UNAVAILABLE when the others have all of it */
      reserve: (bytes) => {
        if (this.#used + bytes > this.#limit) {
          throw new RegistryError('UNAVAILABLE', {
            message: 'too many large manifests are on their way at once',
            headers: { 'Retry-After': '1' },
          })
        }
        this.#used += bytes
        held += bytes
      },
      release: () => {
        this.#used -= held
        held = 0
      },
    }
  }
}
