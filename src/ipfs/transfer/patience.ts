import type { Urgency } from '../../blocks/flights.ts'

/** How long somebody waits: the time begins when somebody does, which may be long after the question was put. */
export class Patience implements Disposable {
  readonly #late = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #isOver = false

  /** @param milliseconds how long */
  constructor(urgency: Urgency, milliseconds: number) {
    void urgency.raised.then(() => {
      if (this.#isOver) return
      const late = (): void => this.#late.abort(new Error('it took too long'))
      this.#timer = setTimeout(late, milliseconds).unref()
    })
  }

  /** Aborted when it was too long. */
  get late(): AbortSignal {
    return this.#late.signal
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }
}
