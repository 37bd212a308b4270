import { performance } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'

/** How often is looked whether there is anything to do, in ms. V8 asks itself every 8 s. */
const PERIOD_MS = 5_000

/** The share of a period that the event loop may work, and still count as idle: status, probes, heartbeats of peers. */
const IDLE_SHARE = 0.1

/** What it asks and tells; something else in tests. */
export interface HeapSwitch {
  /** The share of the time since it was asked last that the event loop worked, from 0 to 1. */
  readonly worked: () => number
  readonly setFlag: (flag: string) => void
}

/**
 * Has V8 give memory back while nothing happens. V8 would do so by itself: its memory reducer looks every 8 s whether
 * objects are made at a low rate. But it takes that rate from its last collections, and an idle process has none, so after
 * a burst the rate stays high for ever, and so does the heap (measured: 230 MiB with 74 of it in use, for as long as we
 * looked; with this, 76 after 17 s). While V8 prefers a small heap it does not ask for the rate.
 *
 * Its collection is incremental: some 100 steps of a few ms, and a pause at the end that was 30 to 200 ms.
 */
export class IdleHeap implements Disposable {
  readonly #v8: HeapSwitch
  readonly #timer: NodeJS.Timeout
  #isIdle = false

  constructor(v8: HeapSwitch = ownV8(), period = PERIOD_MS) {
    this.#v8 = v8
    this.#timer = setInterval(() => this.look(), period).unref()
  }

  /** Looks whether the last period was idle. */
  look(): void {
    this.#set(this.#v8.worked() < IDLE_SHARE)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#set(false)
  }

  #set(isIdle: boolean): void {
    if (isIdle === this.#isIdle) return
    this.#isIdle = isIdle
    this.#v8.setFlag(isIdle ? '--optimize-for-size' : '--no-optimize-for-size')
  }
}

function ownV8(): HeapSwitch {
  let last = performance.eventLoopUtilization()
  return {
    worked: () => {
      const now = performance.eventLoopUtilization()
      const { utilization } = performance.eventLoopUtilization(now, last)
      last = now
      return utilization
    },
    setFlag: setFlagsFromString,
  }
}
