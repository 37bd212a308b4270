import { encodeDirectory } from '../blocks/nodes.ts'
import { Marker } from '../tree/mark.ts'
import { CacheLimit } from './cache-limit.ts'
import type { MarkOptions } from '../tree/mark.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Collection } from '../blocks/collection.ts'
import type { Pace } from '../blocks/pace.ts'
import type { GcRun } from './gc-report.ts'
import type { OpenMirror } from './mirrors.ts'
import type { Replication } from './replication.ts'
import type { Storage } from './storage.ts'
import type { Announcer } from './announcer.ts'
import type { CID } from 'multiformats/cid'

/** Where everything that is alive hangs from. */
export interface LiveParts {
  readonly storage: Storage
  readonly mirrors: readonly OpenMirror[]
  readonly replication: Pick<Replication, 'roots'>
  readonly publisher: Announcer | undefined
  /** Bytes that lazily mirrored blobs may take; `null`: any number. */
  readonly cache: number | null
}

/** How the marking goes. */
export interface MarkRunOptions extends BlockOptions {
  readonly pace: Pace
  /** The first commit whose tree is kept. */
  readonly firstKept: number
  readonly run: GcRun
}

/**
 * Marks everything that is alive. The order matters: what must be whole comes first, so that nothing is passed over there
 * because it was met where it may be missing.
 *
 * @throws whatever keeps any of it from being read: then nothing may be deleted
 */
export async function markLive(
  collection: Collection,
  parts: LiveParts,
  options: MarkRunOptions,
): Promise<void> {
  const { storage, publisher } = parts
  const { pace, run } = options
  const marker = new Marker({ live: collection.live, read: (cid) => collection.read(cid), pace })
  const mark = async (root: CID, how: Omit<MarkOptions, 'signal'> = {}): Promise<void> => {
    await marker.mark(root, { signal: options.signal, ...how })
    run.nodes = marker.nodes
    run.live = collection.live.size
  }
  await storage.uploads.blocks((hash) => collection.live.add(hash), options)
  const { lane } = storage
  await mark(lane.root, { isPartial: lane.isNew, isOpen: true })
  for await (const entry of storage.journal.entries()) {
    if (entry.sequence < options.firstKept) break
    await mark(entry.public)
    if (entry.private !== undefined) await mark(entry.private)
  }
  const open = [...storage.used.list(), ...storage.opened.list(), ...storage.cached.list()]
  // Whoever follows the name has it from there until he hears of a newer root.
  for (const root of (await publisher?.announced()) ?? [])
    await mark(root, { isPartial: true, isOpen: true })
  open.push(encodeDirectory([]).cid) // what MFS begins with
  for (const root of open) await mark(root, { isPartial: true })
  await markMirrors(collection, parts, marker, options)
  run.nodes = marker.nodes
  run.live = collection.live.size
  run.memory = collection.live.bytes
}

async function markMirrors(
  collection: Collection,
  { storage, mirrors, replication, cache: limit }: LiveParts,
  marker: Marker,
  { signal, pace, run }: MarkRunOptions,
): Promise<void> {
  const { cached: files } = storage
  const cache = new CacheLimit({ collection, marker, pace, files, limit })
  const lazy = storage.usedElsewhere.list()
  for (const { entry, follower } of mirrors) {
    if (follower.isLost()) throw lost(entry.text)
    const root = follower.root()
    const whole = await replication.roots(entry.text)
    if (whole === undefined) {
      if (root !== undefined) lazy.push(root)
      continue
    }
    for (const each of root === undefined ? whole : [...whole, root])
      await marker.mark(each, { signal, isPartial: true, isOpen: true })
  }
  for (const root of lazy)
    await marker.mark(root, { signal, isPartial: true, isOpen: true, onData: cache.add })
  await cache.apply({ signal })
  run.cacheBytes = limit === null ? undefined : cache.bytes
}

/** Its tree, and what was pulled from it, would look like nobody's. */
function lost(mirror: string): Error {
  return new Error(
    `what is remembered of the mirror ${mirror} cannot be read, so nobody knows what to keep of it: restore the data ` +
      `directory from a backup, or take the mirror out of ipns.readOnlyKeys to give up what was kept of it`,
  )
}
