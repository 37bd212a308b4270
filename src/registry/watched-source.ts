/**
 * Passes a source on and remembers what it threw, so that its failure (a mirror's, a client's) is not taken for that of
 * whoever reads it (our own disk's).
 */
export class WatchedSource implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>
  #failure: { error: unknown } | undefined

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source
  }

  /** Whether this is the very error that the source threw. */
  threw(error: unknown): boolean {
    return this.#failure !== undefined && this.#failure.error === error
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const source = this.#source
    try {
      yield* source
    } catch (error) {
      this.#failure = { error }
      throw error
    }
  }
}
