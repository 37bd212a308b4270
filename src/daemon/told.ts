import { setTimeout } from 'node:timers/promises'
import type { Abortable } from '../registry/ports.ts'

/** How often it is told how far a piece of work is, in ms. */
const EVERY = 500

/**
 * Does a piece of work that takes long, and tells how far it is while it goes on; at last, what it came to as
 * `{"report": …}`. It ends when nobody takes what is told any longer.
 *
 * @param progress how far it is; `undefined` before it has begun
 */
export async function* told(
  work: (signal: AbortSignal) => Promise<object>,
  progress: () => object | undefined,
  { signal }: Abortable,
): AsyncGenerator<object> {
  const left = new AbortController()
  const either = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal])
  const ended = work(either)
  const settled = ended.then(
    () => true,
    () => true, // thrown below
  )
  try {
    while (!(await Promise.race([settled, setTimeout(EVERY, false)]))) {
      const now = progress()
      if (now !== undefined) yield now
    }
    yield { report: await ended }
  } finally {
    left.abort(new Error('nobody listens any longer'))
    await settled
  }
}
