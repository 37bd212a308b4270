import { Checker } from './checker.ts'
import { Scrubber } from './scrubber.ts'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import type { Collector } from './collector.ts'
import type { LostEnd } from './regain.ts'
import type { Storage } from './storage.ts'

/** How much of the time a check works beside others. */
const SHARE = 0.5

/** Who looks for damage: all at once when somebody asks, and slowly in the background. */
export interface Checking {
  readonly checker: Checker
  readonly scrubber: Scrubber
}

/** Starts the scrub, and makes a checker that waits to be asked. */
export async function startChecking(
  stack: AsyncDisposableStack,
  { config, storage, end, collector, log }: CheckingParts,
): Promise<Checking> {
  const parts = { storage, end, isOnline: true, share: SHARE, now: Date.now }
  const checker = stack.use(new Checker(parts))
  const scrubber = new Scrubber({
    ...storage,
    ...config.scrub,
    map: storage.state.map('scrub'),
    // They read the same from end to end.
    isPaused: () => checker.isRunning || collector.status().running !== undefined,
    log: log.child({ room: 'scrub' }),
  })
  stack.use(scrubber)
  await scrubber.start()
  return { checker, scrubber }
}

interface CheckingParts {
  readonly config: Config
  readonly storage: Storage
  readonly end: LostEnd
  readonly collector: Collector
  readonly log: Logger
}
