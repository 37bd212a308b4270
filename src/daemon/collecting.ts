import { Barrier } from '../blocks/barrier.ts'
import { encodeDirectory } from '../blocks/nodes.ts'
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
import type { Abortable, Half } from '../registry/ports.ts'
import type { DigestSet } from '../registry/tidy.ts'
import type { Look } from '../registry/tidying.ts'
import type { AgeClock } from './age-clock.ts'
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
  /** By which things become old. */
  readonly ages: AgeClock
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
  return new Collector({
    ...parts,
    lease: retention.lease,
    cache: config.storage.cache,
    keep: { keepFor: retention.history, most: retention.commits },
    interval: gc.interval,
    tidy:
      config.ipns.writeKey === null
        ? undefined
        : tidyOf(storage, leases, retention, { isImmutable }),
    map: storage.state.map('gc'),
    log: parts.log.child({ room: 'gc' }),
    now: steadyClock(),
  })
}

/** How tidying up is done. */
export interface TidyingOptions {
  readonly isImmutable?: IsImmutable | undefined
}

/** Tidies up both of our trees, one after the other. */
export function tidyOf(
  storage: Storage,
  leases: Leases,
  policy: Config['retention'],
  options: TidyingOptions = {},
): Pick<Tidy, 'run' | 'noteTimes'> {
  const { lane, directories, state } = storage
  const tags = tagsOf(storage, policy, options)
  const tidyHalf = (half: Half): Tidy => {
    const look = async (how: Abortable): Promise<Look> => {
      const changes = await lane.watch(how)
      const root = lane.roots[half] ?? EMPTY_ROOT // it may become empty while it is tidied up
      return { changes, inventory: new Inventory(root, directories, how) }
    }
    const untagged = state.map('untagged')
    const parts = { writer: lane, half, look, digestSet, leases, policy, untagged }
    return new Tidy({ ...parts, tags: tags?.(look) })
  }
  const [published, others] = [tidyHalf('public'), tidyHalf('private')]
  return {
    run: async (how) => {
      await published.run(how)
      if (lane.roots.private !== undefined) await others.run(how)
    },
    noteTimes: (how) => published.noteTimes(how), // they are those of both
  }
}

/** Makes the retention of tags; `undefined` without rules. Times are read from the journal once, for both trees. */
function tagsOf(
  { lane, journal, state }: Storage,
  policy: Config['retention'],
  { isImmutable }: TidyingOptions,
): ((look: (options: Abortable) => Promise<Look>) => TagRetention) | undefined {
  if (policy.tags.length === 0) return undefined
  const rules = new TagRules(policy.tags)
  const times = new TagTimes(state, journal, {
    areAbout: (name) => rules.areAbout(name),
    text: rules.text,
  })
  return (look) => new TagRetention({ writer: lane, look, rules, times, isImmutable })
}

const EMPTY_ROOT = encodeDirectory([]).cid

/** By the first 32 bytes of each: for a sha512, that is more than enough to tell it from others. */
function digestSet(): DigestSet {
  const set = new LiveSet()
  const hashOf = (digest: Digest): Uint8Array => Buffer.from(hexOf(digest).slice(0, 64), 'hex')
  return {
    add: (digest) => set.add(hashOf(digest)),
    has: (digest) => set.has(hashOf(digest)),
  }
}

/** The time of day as it was at the start, and what has gone by since: collections are as often as they are meant to be. */
function steadyClock(): () => number {
  const start = Date.now() - performance.now()
  return () => Math.round(start + performance.now())
}
