import { toldReport } from './told.ts'
import type { Abortable } from '../registry/ports.ts'
import type { Collector } from './collector.ts'
import type { GcRun } from './gc-report.ts'

/** Runs a collection, and tells how far it is while it goes on. It ends when nobody takes what is told any longer. */
export function toldCollection(
  collector: Collector,
  { dryRun, trustClock, signal }: Abortable & { dryRun: boolean; trustClock: boolean },
): AsyncGenerator<object> {
  let run: GcRun | undefined
  return toldReport(
    (either) => collector.collect({ dryRun, trustClock, signal: either }, (begun) => (run = begun)),
    () => run && progressOf(run),
    { signal },
  )
}

function progressOf({ phase, tidied, nodes, reclaimed }: GcRun): object {
  const done = phase === 'tidy' ? tidied.repositories : phase === 'mark' ? nodes : reclaimed.seen
  return { phase, done, blocks: reclaimed.blocks, bytes: reclaimed.bytes }
}
