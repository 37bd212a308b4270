import type { Clock } from './clock.ts'

/** Lets a loop sleep until it is due or something happened, whichever comes first. */
export class Waker {
  readonly #clock: Clock
  #woken = Promise.withResolvers<void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something happened. A loop that is not asleep will not fall asleep the next time. */
  wake(): void {
    this.#woken.resolve()
  }

  /** @throws the signal's reason */
  async sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController()
    const either = AbortSignal.any([signal, woken.signal])
    const slept = this.#clock.sleep(milliseconds, either)
    try {
      await Promise.race([slept, this.#woken.promise])
    } finally {
      woken.abort(new Error('woken'))
      slept.catch(() => undefined) // it ends with the reason we just gave
      this.#woken = Promise.withResolvers()
    }
    signal.throwIfAborted()
  }
}
