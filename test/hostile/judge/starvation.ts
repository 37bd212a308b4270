/**
 * How much a process is kept from running: a timer that comes late, by more than the processor time that its thread used
 * meanwhile, was not let. It tells what is the machine's fault.
 */
export class Starvation implements Disposable {
  readonly #timer: NodeJS.Timeout
  #starvedMs = 0
  #since = performance.now()

  /** @param every how often it looks, in ms */
  constructor(every: number) {
    let [at, used] = [performance.now(), process.threadCpuUsage()]
    this.#timer = setInterval(() => {
      const { user, system } = process.threadCpuUsage(used)
      const now = performance.now()
      // A timer is a few ms late by nature.
      this.#starvedMs += Math.max(0, now - at - (user + system) / 1000 - 2 * every - 2)
      ;[at, used] = [now, process.threadCpuUsage()]
    }, every).unref()
  }

  /** The share of the time since it was last asked, from 0 to 1. */
  take(): number {
    const now = performance.now()
    const share = this.#starvedMs / Math.max(1, now - this.#since)
    this.#starvedMs = 0
    this.#since = now
    return Math.min(1, share)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}
