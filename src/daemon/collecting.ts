import { Barrier } from '../blocks/barrier.ts'
import { LiveSet } from '../blocks/live-set.ts'
import { RecentBlocks, WINDOW } from '../blocks/recent-blocks.ts'
import { hexOf } from '../oci/digest.ts'
import { Tidy } from '../registry/tidy.ts'
import { Inventory } from '../tree/inventory.ts'
import { Collector } from './collector.ts'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import type { Publisher } from '../naming/publisher.ts'
import type { Digest } from '../oci/digest.ts'
import type { Leases } from '../registry/leases.ts'
import type { DigestSet } from '../registry/tidy.ts'
import type { OpenMirror } from './mirrors.ts'
import type { Replication } from './replication.ts'
import type { Storage } from './storage.ts'

/** What is collected, and for whom. */
export interface CollectingParts {
  readonly config: Config
  readonly storage: Storage
  readonly mirrors: readonly OpenMirror[]
  readonly replication: Pick<Replication, 'roots'>
  readonly publisher: Publisher | undefined
  readonly leases: Leases
  readonly log: Logger
}

/** What is put and never linked need not stay for longer than what somebody was told of. @param lease in ms */
export function barrierFor({ lease }: { readonly lease: number }): Barrier {
  return new Barrier(new RecentBlocks({ window: Math.min(lease, WINDOW) }))
}

/** Puts the collector together; it is not started yet. */
export function openCollector(parts: CollectingParts): Collector {
  const { config, storage, leases } = parts
  const { retention, gc } = config
  const now = steadyClock()
  return new Collector({
    ...parts,
    lease: retention.lease,
    cache: config.storage.cache,
    keep: { keepFor: retention.history, most: retention.commits },
    interval: gc.interval,
    tidy: config.ipns.writeKey === null ? undefined : tidyOf(storage, leases, retention, now),
    map: storage.state.map('gc'),
    log: parts.log.child({ room: 'gc' }),
    now,
  })
}

/** Tidies up our own tree. @param now ms since the epoch */
export function tidyOf(
  { lane, directories, state }: Storage,
  leases: Leases,
  policy: Config['retention'],
  now: () => number,
): Tidy {
  return new Tidy({
    writer: lane,
    look: async (options) => {
      const changes = await lane.watch(options)
      return { changes, inventory: new Inventory(lane.root, directories, options) }
    },
    digestSet,
    leases,
    policy,
    untagged: state.map('untagged'),
    now,
  })
}

/** By the first 32 bytes of each: for a sha512, that is more than enough to tell it from others. */
function digestSet(): DigestSet {
  const set = new LiveSet()
  const hashOf = (digest: Digest): Uint8Array => Buffer.from(hexOf(digest).slice(0, 64), 'hex')
  return {
    add: (digest) => set.add(hashOf(digest)),
    has: (digest) => set.has(hashOf(digest)),
  }
}

/** The time of day as it was at the start, and what has gone by since: who sets the clock must not make things old. */
function steadyClock(): () => number {
  const start = Date.now() - performance.now()
  return () => Math.round(start + performance.now())
}
