import { performance } from 'node:perf_hooks'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'

/** How often is looked at what the process does, in ms. */
const PERIOD_MS = 250

/** The share of time that the event loop may work, and still count as idle: status, probes, heartbeats of peers. */
const IDLE_SHARE = 0.1
/** How much the last period counts in it: after a burst it is idle within some 11 s. V8 asks itself every 8 s. */
const LAST_SHARE = 0.05
/**
 * Periods of idling after which caches let go of what has not been used for long, and malloc gives back what V8 has let go
 * meanwhile: 20, 40 and 80 s.
 */
const TRIMS: readonly number[] = [80, 160, 320]

/** Bytes of content in a period from which on they are what the process works for. */
const MANY_BYTES = 2 * 1024 * 1024
/** Periods for which the heap may then grow. */
const GROWING_PERIODS = 20

/**
 * With so many bytes in the heap and in buffers it may not grow for the sake of blocks any more: the process shall stay
 * below 450 MB whatever happens, and what a hostile mirror gives us to read are blocks on their way, too. It has some 85 MiB
 * when it is new, and up to 180 while clients push and pull as fast as they can.
 */
const MUCH_MEMORY = 192 * 1024 * 1024

/** V8's flags for what the process does. V8 reads them anew at each collection. */
const FLAGS = {
  /** As V8 has it. */
  working: ['--no-optimize-for-size', '--heap-growing-percent=0'],
  /**
   * Blocks on their way are buffers outside of V8's heap, which count as if they were in it: by its own measure V8 looks
   * through the whole heap for every 8 MiB that go by (a push of 256 MiB: 27 times). When it may grow by so many percent of what was in
   * use before it is collected, 112 MiB a second come through instead of 69 (measured on two cores), and each side works
   * two thirds as much. With small requests this would only make the heap twice as large.
   */
  growing: ['--no-optimize-for-size', '--heap-growing-percent=200'],
  /**
   * V8 would give memory back by itself: its memory reducer looks every 8 s whether objects are made at a low rate. But it
   * takes that rate from its last collections, and an idle process has none, so after a burst the rate stays high for
   * ever, and so does the heap (measured: 230 MiB with 74 of it in use, for as long as we looked; with this, 76 after
   * 17 s). While V8 prefers a small heap it does not ask for the rate.
   */
  idle: ['--optimize-for-size', '--heap-growing-percent=0'],
} as const

type Mode = keyof typeof FLAGS

/** What it asks and tells; something else in tests. */
export interface HeapSwitch {
  /** The share of the time since it was asked last that the event loop worked, from 0 to 1. */
  readonly worked: () => number
  /** What the heap and buffers outside of it take, in bytes. */
  readonly memory: () => number
  readonly setFlag: (flag: string) => void
  /** Gives back what an idle process need not keep. */
  readonly trim: () => void
}

/**
 * Lets V8's heap grow while blocks go by, and has memory given back while nothing happens, by V8 and then by malloc. The collection of an idle
 * process is incremental: some 100 steps of a few ms, and a pause at the end that was 30 to 200 ms.
 */
export class Heap implements Disposable {
  readonly #moved: () => number
  readonly #v8: HeapSwitch
  readonly #timer: NodeJS.Timeout
  #mode: Mode = 'working'
  #before = 0
  /** The share of time that was work, lately. */
  #load = 1
  /** Periods since it has been idle. */
  #idle = 0
  #growing = 0

  /** @param moved bytes that went between us and peers or clients, since the process began */
  constructor(moved: () => number, v8: HeapSwitch, period = PERIOD_MS) {
    this.#moved = moved
    this.#v8 = v8
    this.#timer = setInterval(() => this.look(), period).unref()
  }

  /** Looks at what the last period was. */
  look(): void {
    const moved = this.#moved()
    this.#growing = moved - this.#before >= MANY_BYTES ? GROWING_PERIODS : this.#growing - 1
    this.#before = moved
    this.#load += (this.#v8.worked() - this.#load) * LAST_SHARE
    this.#set(this.#next())
    this.#idle = this.#mode === 'idle' ? this.#idle + 1 : 0
    if (TRIMS.includes(this.#idle)) this.#v8.trim()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#set('working')
  }

  #next(): Mode {
    if (this.#growing > 0 && this.#v8.memory() < MUCH_MEMORY) return 'growing'
    return this.#load < IDLE_SHARE ? 'idle' : 'working'
  }

  #set(mode: Mode): void {
    if (mode === this.#mode) return
    this.#mode = mode
    for (const flag of FLAGS[mode]) this.#v8.setFlag(flag)
  }
}

/** Of this process. */
export function ownHeap(trim: () => void): HeapSwitch {
  let last = performance.eventLoopUtilization()
  return {
    worked: () => {
      const now = performance.eventLoopUtilization()
      const { utilization } = performance.eventLoopUtilization(now, last)
      last = now
      return utilization
    },
    memory: () => {
      const { total_physical_size: heap, external_memory: buffers } = getHeapStatistics()
      return heap + buffers
    },
    setFlag: setFlagsFromString,
    trim,
  }
}
