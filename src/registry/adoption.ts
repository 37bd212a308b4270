import { isRegistryError } from '../oci/errors.ts'
import { SingleFlight } from './single-flight.ts'
import { WatchedSource } from './watched-source.ts'
import type { Abortable, Content, ContentStore, StoredContent } from './ports.ts'

/**
 * Copies what only mirrors have into our own store, as if it had been pushed: own chunks, own id, nothing of the
 * mirror's in our tree. Two pushes that need the same content share one copy.
 */
export class Adopter {
  readonly #store: ContentStore
  readonly #flights = new SingleFlight<StoredContent | undefined>()

  constructor(store: ContentStore) {
    this.#store = store
  }

  /**
   * @returns `undefined` when the mirrors could not give it, or gave something else
   * @throws what our own store throws
   */
  adopt(content: Content, options: Abortable): Promise<StoredContent | undefined> {
    // By its id as well: two claims of one digest may be two contents, and only one of them be the caller's to have.
    return this.#flights.run(
      `${content.digest} ${content.id}`,
      (signal) => this.#copy(content, signal),
      options,
    )
  }

  async #copy(content: Content, signal: AbortSignal): Promise<StoredContent | undefined> {
    const source = new WatchedSource(content.open({ signal }))
    try {
      return await this.#store.write(source, content.digest, { limit: content.size, signal })
    } catch (error) {
      signal.throwIfAborted()
      if (source.threw(error)) return undefined
      if (isRegistryError(error, 'DIGEST_INVALID') || isRegistryError(error, 'TOO_LARGE'))
        return undefined
      throw error
    }
  }
}
