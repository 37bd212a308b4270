import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { pino } from 'pino'
import { Barrier } from '../../src/blocks/barrier.ts'
import { RecentBlocks } from '../../src/blocks/recent-blocks.ts'
import { AgeClock } from '../../src/daemon/age-clock.ts'
import { Collector } from '../../src/daemon/collector.ts'
import { tidyOf } from '../../src/daemon/collecting.ts'
import { dataDirectory } from '../../src/daemon/data-directory.ts'
import { openStorage } from '../../src/daemon/storage.ts'
import { PUBLISH_ALL } from '../../src/oci/publish-rules.ts'
import { Leases } from '../../src/registry/leases.ts'
import { Overlay } from '../../src/registry/overlay.ts'
import { Registry } from '../../src/registry/registry-service.ts'
import { Tombstones } from '../../src/registry/tombstones.ts'
import { Trust } from '../../src/registry/trust.ts'
import { Uploads } from '../../src/registry/uploads.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { Announcer } from '../../src/daemon/announcer.ts'
import type { RepositoryName, Tag } from '../../src/oci/name.ts'
import type { TagRule } from '../../src/registry/tag-rules.ts'
import type { PublishRules } from '../../src/oci/publish-rules.ts'
import type { StateDb } from '../../src/blocks/state-db.ts'
import type { SeededRandom } from './random.ts'

/** How long a lease lasts on the clock of a {@link GcWorld}, in its own milliseconds. */
export const LEASE = 1000
const BLOB_LIMIT = 10_000_000

/** What is taken out of a world, to see that it is missed. */
export type Without = 'barrier' | 'holds' | 'leases'

/** A barrier that lets everything through. */
class NoBarrier extends Barrier {
  override touch(): void {}
  override put(): void {}
}

/** A barrier under which nothing can be held. */
class NoHolds extends Barrier {
  override hold(): Disposable {
    return { [Symbol.dispose]: () => undefined }
  }
}

/** What is otherwise the usual. */
export interface WorldOptions {
  readonly without?: Without | undefined
  readonly untagged?: number | null
  readonly tags?: readonly TagRule[]
  readonly isImmutable?: (name: RepositoryName, tag: Tag) => boolean
  readonly publisher?: Announcer
  /** How long commits are kept, in ms. */
  readonly keepFor?: number
  readonly waits?: boolean
  /** A directory that is used again. */
  readonly data?: string
  readonly rules?: PublishRules
}

/**
 * A registry with its collector on a real disk. Time stands still but for {@link pass}; nothing that was put is remembered
 * but by those who hold it, so that no lucky pause hides a race; and whoever comes to the database waits there for a random
 * number of turns.
 */
export async function openWorld(
  random: SeededRandom,
  {
    without,
    untagged = null,
    tags = [],
    isImmutable,
    publisher,
    keepFor = 0,
    waits = true,
    data: given,
    rules = PUBLISH_ALL,
  }: WorldOptions = {},
) {
  await using stack = new AsyncDisposableStack()
  const data = given ?? stack.use(await temporaryDirectory()).path
  let time = Date.now() + 86_400_000 // after whatever is written down with the real time
  const now = (): number => time
  let wrong = 0
  let ticks = 0
  const recent = new RecentBlocks({ now: () => ++ticks, window: 0 })
  const kinds = { barrier: NoBarrier, holds: NoHolds, leases: Barrier }
  const barrier = new kinds[without ?? 'leases'](recent)
  const onRoot = (): Promise<void> => Promise.resolve()
  const directory = dataDirectory(join(data, 'data'))
  const how = { barrier, lease: LEASE, now, rules }
  const storage = stack.use(await openStorage(directory, onRoot, how))
  const { state, lane, contents } = storage
  if (waits) waitAtRandom(state, random)
  const leases = await Leases.open(
    { time: LEASE, now, map: state.map('gc') },
    { isNew: lane.isNew },
  )
  if (without === 'leases') leases.isLeased = () => false
  const trust = new Trust({ map: state.map('trust'), now })
  const tombstones = await Tombstones.open(state.map('tombstones'), now)
  const own = storage.source
  const overlay = new Overlay({ own, mirrors: [], trust, blobLimit: BLOB_LIMIT, tombstones, now })
  const uploads = new Uploads(
    { store: storage.uploads, writer: lane, now, leases, hold: () => contents.hold() },
    { readOnly: false, blobLimit: BLOB_LIMIT },
  )
  const service = new Registry(
    {
      overlay,
      writer: lane,
      content: contents,
      tombstones,
      uploads,
      history: storage.history,
      leases,
    },
    { validation: 'strict', deletes: true, readOnly: false, blobLimit: BLOB_LIMIT },
  )
  const log = pino({ level: 'silent' })
  const wall = (): number => time + wrong
  const kept = { map: state.map('clock'), since: undefined, log }
  const ages = stack.use(await AgeClock.open({ ...kept, wall, steady: now }))
  const policy = { untagged, tags, referrers: true, history: 0, commits: 1000, lease: LEASE }
  const collector = stack.use(
    new Collector({
      storage,
      mirrors: [],
      replication: { roots: () => undefined },
      publisher,
      lease: LEASE,
      cache: null,
      tidy: tidyOf(storage, leases, policy, { isImmutable }),
      leases,
      keep: { keepFor, most: 1000 },
      interval: null,
      map: state.map('gc'),
      log,
      now,
      ages,
    }),
  )
  const opened = stack.move()
  return {
    data,
    rules,
    storage,
    service,
    leases,
    collector,
    pass: (milliseconds: number): void => void (time += milliseconds),
    /** From now on the clock on the wall is wrong by so much. */
    setClock: (milliseconds: number): void => void (wrong = milliseconds),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

export type GcWorld = Awaited<ReturnType<typeof openWorld>>

function waitAtRandom(state: StateDb, random: SeededRandom): void {
  const wait = async (): Promise<void> => {
    for (let turns = random.between(0, 4); turns > 1; turns--) await setImmediate()
  }
  const { get, write, keys } = state
  state.get = async (...args) => {
    await wait()
    const value = await get.apply(state, args)
    await wait()
    return value
  }
  state.keys = async (...args) => {
    const found = await keys.apply(state, args)
    await wait()
    return found
  }
  state.write = async (...args) => {
    await wait()
    await write.apply(state, args)
    await wait()
  }
}
