import { Barrier } from '../blocks/barrier.ts'
import { LiveSet } from '../blocks/live-set.ts'
import { RecentBlocks, WINDOW } from '../blocks/recent-blocks.ts'
import { hexOf } from '../oci/digest.ts'
import { TagRetention } from '../registry/tag-retention.ts'
import { TagRules } from '../registry/tag-rules.ts'
import { Tidy } from '../registry/tidy.ts'
import { Inventory } from '../tree/inventory.ts'
import { TagTimes } from '../tree/tag-times.ts'
import { Collector } from './collector.ts'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import type { Publisher } from '../naming/publisher.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { Leases } from '../registry/leases.ts'
import type { Abortable } from '../registry/ports.ts'
import type { DigestSet } from '../registry/tidy.ts'
import type { Look } from '../registry/tidying.ts'
import type { OpenMirror } from './mirrors.ts'
import type { Replication } from './replication.ts'
import type { Storage } from './storage.ts'

type IsImmutable = (name: RepositoryName, tag: Tag) => boolean

/** What is collected, and for whom. */
export interface CollectingParts {
  readonly config: Config
  readonly storage: Storage
  readonly mirrors: readonly OpenMirror[]
  readonly replication: Pick<Replication, 'roots'>
  readonly publisher: Publisher | undefined
  readonly leases: Leases
  /** Tags that nobody may take away. */
  readonly rules: { isImmutable: IsImmutable }
  readonly log: Logger
}

/** What is put and never linked need not stay for longer than what somebody was told of. @param lease in ms */
export function barrierFor({ lease }: { readonly lease: number }): Barrier {
  return new Barrier(new RecentBlocks({ window: Math.min(lease, WINDOW) }))
}

/** Puts the collector together; it is not started yet. */
export function openCollector(parts: CollectingParts): Collector {
  const { config, storage, leases, rules } = parts
  const isImmutable: IsImmutable = (name, tag) => rules.isImmutable(name, tag)
  const { retention, gc } = config
  const now = steadyClock()
  return new Collector({
    ...parts,
    lease: retention.lease,
    cache: config.storage.cache,
    keep: { keepFor: retention.history, most: retention.commits },
    interval: gc.interval,
    tidy:
      config.ipns.writeKey === null
        ? undefined
        : tidyOf(storage, leases, retention, { now, isImmutable }),
    map: storage.state.map('gc'),
    log: parts.log.child({ room: 'gc' }),
    now,
  })
}

/** How tidying up is done. */
export interface TidyingOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly isImmutable?: IsImmutable | undefined
}

/** Tidies up our own tree. */
export function tidyOf(
  storage: Storage,
  leases: Leases,
  policy: Config['retention'],
  options: TidyingOptions,
): Tidy {
  const { lane, directories, state } = storage
  const { now } = options
  const look = async (how: Abortable): Promise<Look> => {
    const changes = await lane.watch(how)
    return { changes, inventory: new Inventory(lane.root, directories, how) }
  }
  return new Tidy({
    writer: lane,
    look,
    digestSet,
    leases,
    policy,
    tags: policy.tags.length === 0 ? undefined : tagsOf(storage, policy, look, options),
    untagged: state.map('untagged'),
    now,
  })
}

function tagsOf(
  { lane, journal, state }: Storage,
  policy: Config['retention'],
  look: (options: Abortable) => Promise<Look>,
  { now, isImmutable }: TidyingOptions,
): TagRetention {
  const rules = new TagRules(policy.tags)
  const times = new TagTimes(state, journal, {
    areAbout: (name) => rules.areAbout(name),
    text: rules.text,
  })
  return new TagRetention({ writer: lane, look, rules, times, isImmutable, now })
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
