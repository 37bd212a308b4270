import type { Memory } from './memory.ts'

/** What was sent, and how it was answered. */
export class Tally {
  /** All that was sent. */
  requests = 0
  /** Most memory that was seen, in bytes. */
  peak: Memory = { all: 0, own: 0 }
  /** The longest wait of the honest client for a word that the daemon lives, in ms. */
  longestPulse = 0
  readonly began = performance.now()
  readonly #statuses = new Map<string, number>()

  /** Counts a request; `undefined` when it was not answered, or nobody waited for that. */
  count(status: number | undefined): void {
    this.requests++
    const key = status === undefined ? 'none' : String(status)
    this.#statuses.set(key, (this.#statuses.get(key) ?? 0) + 1)
  }

  /** Counts requests of the good client, which were all answered well. */
  countGood(requests: number): void {
    this.requests += requests
    this.#statuses.set('good', (this.#statuses.get('good') ?? 0) + requests)
  }

  memory({ all, own }: Memory): void {
    this.peak = { all: Math.max(all, this.peak.all), own: Math.max(own, this.peak.own) }
  }

  pulse(milliseconds: number): void {
    this.longestPulse = Math.max(milliseconds, this.longestPulse)
  }

  /** How often each status came, in their order. */
  get statuses(): [string, number][] {
    return [...this.#statuses].toSorted(([a], [b]) => (a < b ? -1 : 1))
  }

  /** How often each class of statuses came: `2xx`, `4xx`. */
  get classes(): [string, number][] {
    const sums = new Map<string, number>()
    for (const [status, count] of this.statuses) {
      const name = /^\d/.test(status) ? `${status[0]}xx` : status
      sums.set(name, (sums.get(name) ?? 0) + count)
    }
    return [...sums]
  }

  /** Since the beginning, in seconds. */
  get seconds(): number {
    return (performance.now() - this.began) / 1000
  }
}
