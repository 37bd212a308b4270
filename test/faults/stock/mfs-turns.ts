import { settings } from './settings.ts'

/** Has changes wait for each other, where the settings say so. */
export class MfsTurns {
  #last: Promise<unknown> = Promise.resolve()

  take<T>(work: () => Promise<T>): Promise<T> {
    if (!settings.oneAtATime) return work()
    const result = this.#last.then(work)
    this.#last = result.catch(() => undefined) // its caller has the error
    return result
  }

  /** When what was begun is done. */
  async idle(): Promise<void> {
    await this.#last
  }
}
