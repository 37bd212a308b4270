import { loadPublisherState, savePublisherState } from './publisher-state.ts'
import type { DurableMap } from '../registry/ports.ts'
import type { IpnsName } from './name.ts'
import type { PublisherState } from './publisher-state.ts'

/** The state of one publisher, as it is on disk: read once, and what counts is what was written. */
export class Ledger {
  readonly #map: Pick<DurableMap, 'get' | 'put'>
  readonly #name: IpnsName
  readonly #isNewKey: boolean
  #state: PublisherState | undefined

  /** @param isNewKey whether the key was made just now */
  constructor(map: Pick<DurableMap, 'get' | 'put'>, name: IpnsName, isNewKey: boolean) {
    this.#map = map
    this.#name = name
    this.#isNewKey = isNewKey
  }

  /** `undefined` until it was read. */
  get state(): PublisherState | undefined {
    return this.#state
  }

  /** @throws when it cannot be read: guessing a sequence could make it fall */
  async read(): Promise<PublisherState> {
    if (this.#state !== undefined) return this.#state
    const known = await loadPublisherState(this.#map, this.#name.text)
    // Under a key that was made here, whatever is met and was not ours is another writer's.
    this.#state ??= this.#isNewKey ? { ...known, confirmed: true } : known
    return this.#state
  }

  async write(state: PublisherState): Promise<PublisherState> {
    await savePublisherState(this.#map, this.#name.text, state)
    this.#state = state
    return state
  }
}
