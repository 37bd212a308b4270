import { setTimeout } from 'node:timers/promises'
import type { Abortable } from '../registry/ports.ts'
import type { Collector } from './collector.ts'
import type { GcRun } from './gc-report.ts'

/** How often it is told how far a collection is, in ms. */
const EVERY = 500

/** Runs a collection, and tells how far it is while it goes on. It ends when nobody takes what is told any longer. */
export async function* toldCollection(
  collector: Collector,
  { dryRun, signal }: Abortable & { dryRun: boolean },
): AsyncGenerator<object> {
  const left = new AbortController()
  const either = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal])
  let run: GcRun | undefined
  const ended = collector.collect({ dryRun, signal: either }, (begun) => (run = begun))
  const settled = ended.then(
    () => true,
    () => true, // thrown below
  )
  try {
    while (!(await Promise.race([settled, setTimeout(EVERY, false)]))) {
      if (run !== undefined) yield progressOf(run)
    }
    yield { report: await ended }
  } finally {
    left.abort(new Error('nobody listens any longer'))
    await settled
  }
}

function progressOf({ phase, tidied, nodes, reclaimed }: GcRun): object {
  const done = phase === 'tidy' ? tidied.repositories : phase === 'mark' ? nodes : reclaimed.seen
  return { phase, done, blocks: reclaimed.blocks, bytes: reclaimed.bytes }
}
