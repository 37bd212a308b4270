import type { BlockOptions } from './block-store.ts'

/** Lets only so much work run at once; the rest waits its turn. Those who wait are as many as its users start. */
export class Gate {
  readonly #waiting: Array<() => void> = []
  #free: number

  /** @param width how much may run at once */
  constructor(width: number) {
    this.#free = width
  }

  /** @throws what `work` throws, or the signal's reason, if it is too late when the turn comes */
  async run<T>(work: () => Promise<T>, { signal }: BlockOptions = {}): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((enter) => void this.#waiting.push(enter))
    try {
      signal?.throwIfAborted()
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}

/**
 * Calls `work` for each item, at most `width` at a time, taking the next one only when there is room for it. After a
 * failure nothing more is begun.
 *
 * @throws what the first failing call throws, when the others have ended
 */
export async function eachOf<T>(
  items: AsyncIterable<T> | Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = []
  const running = new Set<Promise<void>>()
  for await (const item of items) {
    const done = work(item)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => running.delete(done))
    running.add(done)
    if (running.size >= width) await Promise.race(running)
    if (failures.length > 0) break
  }
  await Promise.all(running)
  if (failures.length > 0) throw failures[0]
}

/** Waits for all of them, also when one fails: nothing must go on behind the error. @throws the first failure */
export async function together(...works: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(works))
    if (outcome.status === 'rejected') throw outcome.reason
}
