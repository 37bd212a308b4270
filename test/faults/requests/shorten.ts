/*
 * Loaded into the daemon before itself (`--import`). These waits are no options, for nobody needs others; a test that has
 * to see the end of each does.
 */
import { DEFAULT_LIMITS } from '../../../src/api/context.ts'
import { CONNECTION_TIMES } from '../../../src/api/server-settings.ts'
import { SHORT } from './times.ts'

CONNECTION_TIMES.headers = SHORT.headers
Object.assign(DEFAULT_LIMITS, {
  bodyIdleMs: SHORT.bodyIdle,
  sendStallMs: SHORT.sendStall,
  downloads: SHORT.downloads,
})
