import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../../src/naming/clock.ts'

interface Event {
  readonly due: number
  /** Of two events at one time the first that was planned comes first. */
  readonly order: number
  readonly run: () => void
  isCancelled: boolean
}

/** A clock on one machine's wall: it may be wrong, while the time that passes is the same for all. */
export interface WallClock extends Clock {
  /** By how much it is wrong. Milliseconds. */
  skew: number
}

/** Time that passes when the model says so, with everything in it in one order for one seed. */
export class SimTime {
  readonly #begin = Date.UTC(2026, 0, 1)
  readonly #events: Event[] = []
  #elapsed = 0
  #planned = 0
  /** A jump of everybody's clock, as if all machines had been asleep. */
  slept = 0

  /** Milliseconds since the beginning of the history. */
  get elapsed(): number {
    return this.#elapsed
  }

  /** What a right clock shows. */
  get now(): number {
    return this.#begin + this.#elapsed + this.slept
  }

  wallClock(): WallClock {
    const clock: WallClock = {
      skew: 0,
      now: () => this.now + clock.skew,
      sleep: (milliseconds, signal) => this.#sleep(milliseconds, signal),
    }
    return clock
  }

  /** Does something later. Returns the way out. */
  after(milliseconds: number, run: () => void): () => void {
    const event = {
      due: this.#elapsed + Math.max(0, Math.ceil(milliseconds)),
      order: this.#planned++,
      run,
      isCancelled: false,
    }
    push(this.#events, event)
    return () => {
      event.isCancelled = true
    }
  }

  /** Lets time pass, and everything that becomes due happen in its order. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#elapsed + milliseconds
    await settle()
    for (
      let next = this.#events[0];
      next !== undefined && next.due <= end;
      next = this.#events[0]
    ) {
      pop(this.#events)
      if (next.isCancelled) continue
      this.#elapsed = Math.max(this.#elapsed, next.due)
      next.run()
      await settle()
    }
    this.#elapsed = end
  }

  #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onAbort = (): void => {
      cancel()
      reject(signal.reason as Error)
    }
    const cancel = this.after(milliseconds, () => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    })
    signal.addEventListener('abort', onAbort, { once: true })
    return promise
  }
}

/** Everything that can happen without time passing is a chain of promises: one turn of the loop sees their end. */
async function settle(): Promise<void> {
  await turn()
}

function isBefore(a: Event, b: Event): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order)
}

/** A binary heap: the next event is at 0. */
function push(heap: Event[], event: Event): void {
  let at = heap.push(event) - 1
  while (at > 0) {
    const up = (at - 1) >> 1
    const parent = heap[up] as Event
    if (!isBefore(event, parent)) break
    heap[at] = parent
    at = up
  }
  heap[at] = event
}

function pop(heap: Event[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    let down = 2 * at + 1
    const [left, right] = [heap[down], heap[down + 1]]
    if (left === undefined) break
    if (right !== undefined && isBefore(right, left)) down++
    const child = heap[down] as Event
    if (!isBefore(child, last)) break
    heap[at] = child
    at = down
  }
  heap[at] = last
}
