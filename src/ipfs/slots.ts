/** A number of slots, handed out in order of asking; the line of those who wait is bounded too. */
export class Slots {
  readonly #line: Array<() => void> = []
  readonly #most: number
  #free: number

  /**
   * @param free how many may hold a slot at once
   * @param most how many may wait
   */
  constructor(free: number, most: number) {
    this.#free = free
    this.#most = most
  }

  /**
   * Waits for a slot, and returns what gives it back (once).
   *
   * @throws the signal's reason; or an Error when the line is full
   */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#free > 0) this.#free--
    else await this.#wait(signal)
    let held = true
    return () => {
      if (held) this.#release()
      held = false
    }
  }

  #release(): void {
    const next = this.#line.shift()
    if (next === undefined) this.#free++
    else next()
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#line.length >= this.#most)
      throw new Error(`${this.#most} requests are waiting already`)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onAbort = () => {
      this.#line.splice(this.#line.indexOf(enter), 1)
      reject(signal.reason as Error)
    }
    const enter = () => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#line.push(enter)
    return promise
  }
}
