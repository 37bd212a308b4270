import { setTimeout } from 'node:timers/promises'
import type { PublisherStatus } from '../naming/publisher.ts'
import type { CID } from 'multiformats/cid'
import type { Abortable } from '../registry/ports.ts'

/** As long as a root takes to be announced on a busy machine, many times over, in ms. */
const PATIENCE = 10_000
const LOOK_EVERY = 50

/** What a collection asks of whoever publishes our root. */
export interface Announcer {
  /** The roots that others may have our name for. */
  announced(): Promise<CID[]>
  status(): Pick<PublisherStatus, 'pending' | 'conflict'>
}

/**
 * Waits until the name says what is in our tree now, so that what a collection has just taken out of it is not held to be
 * published; but not for ever, since it may never be told.
 *
 * @throws the signal's reason
 */
export async function untilAnnounced(announcer: Announcer, { signal }: Abortable): Promise<void> {
  for (let waited = 0; waited < PATIENCE; waited += LOOK_EVERY) {
    const { pending, conflict } = announcer.status()
    if (!pending || conflict !== undefined) return
    await setTimeout(LOOK_EVERY, undefined, { signal })
  }
}
