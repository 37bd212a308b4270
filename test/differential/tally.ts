import { INTENDED } from './intended.ts'
import type { Intended } from './intended.ts'

/** What was played so far. */
export class Tally {
  sequences = 0
  /** Requests, each of which went to both. */
  exchanges = 0
  readonly began = performance.now()
  readonly #fired = new Map<string, number>()

  count(explained: readonly Intended[]): void {
    this.exchanges++
    for (const { id } of explained) this.#fired.set(id, (this.#fired.get(id) ?? 0) + 1)
  }

  /** How often each entry of the list explained a difference, in the order of the list. */
  get fired(): { id: string; times: number }[] {
    return INTENDED.map(({ id }) => ({ id, times: this.#fired.get(id) ?? 0 }))
  }

  get seconds(): number {
    return (performance.now() - this.began) / 1000
  }
}
