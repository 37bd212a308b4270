import { fsckProgress } from './fsck-report.ts'
import { toldReport } from './told.ts'
import type { CheckOptions, Checker } from './checker.ts'
import type { FsckRun } from './fsck-report.ts'

/** Runs a check, and tells how far it is while it goes on. It ends when nobody takes what is told any longer. */
export function toldCheck(
  checker: Checker,
  { signal, ...how }: CheckOptions,
): AsyncGenerator<object> {
  let run: FsckRun | undefined
  return toldReport(
    (either) => checker.check({ ...how, signal: either }, (begun) => (run = begun)),
    () => run && fsckProgress(run),
    { signal },
  )
}
