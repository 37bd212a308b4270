import type { Abortable } from '../registry/ports.ts'

/** How often it is told how far a piece of work is, in ms. */
const EVERY = 500

/**
 * Gives what a piece of work gives, and while nothing comes, how far it is: whoever waits knows that it goes on. The work
 * ends when nobody takes what is told any longer.
 *
 * @param progress how far it is; `undefined` before it has begun
 */
export async function* told<T extends object>(
  work: (signal: AbortSignal) => AsyncIterable<T>,
  progress: () => T | undefined,
  { signal }: Abortable,
): AsyncGenerator<T> {
  const left = new AbortController()
  const either = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal])
  const values = work(either)[Symbol.asyncIterator]()
  let next = begin(values)
  try {
    for (;;) {
      const came = await soon(next)
      if (came?.done === true) return
      const value = came === undefined ? progress() : came.value
      if (value !== undefined) yield value
      if (came !== undefined) next = begin(values)
    }
  } finally {
    left.abort(new Error('nobody listens any longer'))
    await next.catch(() => undefined) // it was thrown above, or there is nobody to be told
    await values.return?.()
  }
}

/** The same for work that gives nothing before its end, and then what it came to: `{"report": …}`. */
export function toldReport(
  work: (signal: AbortSignal) => Promise<object>,
  progress: () => object | undefined,
  options: Abortable,
): AsyncGenerator<object> {
  const report = async function* (signal: AbortSignal): AsyncGenerator<object> {
    yield { report: await work(signal) }
  }
  return told(report, progress, options)
}

function begin<T>(values: AsyncIterator<T>): Promise<IteratorResult<T>> {
  const next = values.next()
  next.catch(() => undefined) // it may fail while nobody waits for it, and is looked at later
  return next
}

/** What comes in the next while; `undefined` when nothing does. */
async function soon<T>(next: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(resolve, EVERY, undefined)
  try {
    return await Promise.race([next, promise])
  } finally {
    clearTimeout(timer)
  }
}
