import { newProgress, rollback } from './rollback.ts'
import { told } from './told.ts'
import type { Abortable } from '../registry/ports.ts'
import type { RollbackParts } from './rollback.ts'

/** Runs a rollback, and tells how far it is where that takes long. It ends when nobody takes what is told any longer. */
export function toldRollback(
  parts: RollbackParts,
  text: string,
  { dryRun, signal }: Abortable & { dryRun: boolean },
): AsyncGenerator<object> {
  const progress = newProgress()
  return told(
    (either) => rollback(parts, text, { dryRun, signal: either, progress }),
    () => ({ ...progress }),
    { signal },
  )
}
