import { join } from 'node:path'
import { run } from '../../e2e/support/command.ts'
import type { Scenario } from '../scenario.ts'

const LAUNCHER = join(import.meta.dirname, '../../../bin/heliport.cjs')

/** The goal that this will have: pushes while the collector runs take at most 1.5 times as long as without. */
export const PUSH_DURING_GC: Scenario = {
  id: 'push-gc',
  title: 'Push while garbage is collected',
  how: 'Not measured yet: it is to push 8 × 100 MiB with and without `heliport gc` running all the time.',
  disk: () => 0,
  missing: async () => {
    const help = await run(process.execPath, [LAUNCHER, 'help'])
    return /^\s*heliport gc\b/m.test(help)
      ? 'not there yet: there is a `heliport gc` now, and this scenario (test/bench/scenarios/gc.ts) has to be written'
      : 'not there yet: needs `heliport gc`'
  },
  run: () => Promise.reject(new Error('push-gc cannot be run yet')),
}
