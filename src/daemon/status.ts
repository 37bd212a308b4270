import { statfs } from 'node:fs/promises'
import { isOpenToAll } from '../config/open-to-all.ts'
import { isOverheard } from '../config/overheard.ts'
import { isRegistryError } from '../oci/errors.ts'
import { isDamage } from '../tree/damage.ts'
import { TreeReader } from '../tree/reader.ts'
import { RootView } from '../tree/view.ts'
import { clockReport } from './gc-report.ts'
import { readableBy } from './arrangement.ts'
import { mirrorReport, time } from './mirror-status.ts'
import type { Readiness } from '../api/operations.ts'
import type { IpfsNode } from '../ipfs/node.ts'
import type { Publisher } from '../naming/publisher.ts'
import type { Tombstones } from '../registry/tombstones.ts'
import type { AgeClock } from './age-clock.ts'
import type { AuditLog } from './audit-log.ts'
import type { Collector } from './collector.ts'
import type { Scrubber } from './scrubber.ts'
import type { DiskRoom } from './disk-room.ts'
import type { Config } from '../config/schema.ts'
import type { DataDirectory } from './data-directory.ts'
import type { MirrorStatusParts } from './mirror-status.ts'
import type { OpenMirror } from './mirrors.ts'
import type { Storage } from './storage.ts'

/** Where the status comes from. */
export interface StatusParts extends MirrorStatusParts {
  readonly version: string
  /** ISO 8601. */
  readonly startedAt: string
  /** Where the registry API listens; `undefined` before it does. */
  readonly address: string | undefined
  readonly config: Config
  readonly directory: DataDirectory
  readonly storage: Storage
  readonly room: DiskRoom
  readonly node: IpfsNode
  readonly publisher: Publisher | undefined
  readonly mirrors: readonly OpenMirror[]
  readonly tombstones: Tombstones
  readonly collector: Collector
  readonly ages: AgeClock
  readonly scrubber: Scrubber
  readonly audit: AuditLog | undefined
}

/** `GET /api/v1/status`: the names in it are a contract (DESIGN §4). Times are ISO 8601, unknown values `null`. */
export async function statusReport(parts: StatusParts): Promise<object> {
  const { node, config } = parts
  return {
    version: parts.version,
    startedAt: parts.startedAt,
    http: httpReport(parts),
    peerId: node.peerId,
    addresses: node.addresses(),
    ipns: await ipnsReport(parts),
    mirrors: parts.mirrors.map((mirror) => mirrorReport(mirror, parts)),
    network: { mode: config.network.mode, peers: node.peers(), unreachable: unreachable(node) },
    storage: await storageReport(parts),
    audit: parts.audit?.status() ?? null,
  }
}

/** `plainHttp` and `openToAll` say what is so, and not only what was allowed. */
function httpReport({ address, config }: StatusParts): object {
  return {
    address: address ?? null,
    plainHttp: isOverheard(config),
    openToAll: isOpenToAll(config),
  }
}

/** Of `network.peers`, those that cannot be reached: without them mirrors may have nobody to ask. */
function unreachable(node: IpfsNode): object[] {
  return node
    .unreachable()
    .map(({ address, since, error }) => ({ address, since: time(since), error }))
}

async function ipnsReport({ publisher, storage, config }: StatusParts): Promise<object | null> {
  if (publisher === undefined) return null
  const halted =
    storage.lane.stopped === undefined ? null : 'not published: the newest state is not known'
  const { name, root, publishedRoot, sequence, publishedAt, pending, error } = publisher.status()
  return {
    name,
    root: root ?? null,
    publishedRoot: publishedRoot ?? null,
    sequence: Number(sequence),
    publishedAt: time(publishedAt),
    pending,
    error: error ?? halted,
    readableBy: readableBy(config.network.mode),
    unpublishedRepositories: await unpublished(storage),
  }
}

/** How many repositories are not published; `null` when it cannot be told. */
async function unpublished({ lane, directories }: Storage): Promise<number | null> {
  try {
    const root = lane.roots.private
    if (root === undefined) return 0
    const reader = new TreeReader('own', new RootView(root, directories), directories.source)
    return (await reader.repositories()).length
  } catch (error) {
    if (isDamage(error) || isRegistryError(error, 'UNAVAILABLE')) return null
    throw error
  }
}

async function storageReport(parts: StatusParts): Promise<object> {
  const { storage, directory, tombstones, collector } = parts
  const { bavail, bsize } = await statfs(directory.path)
  const stopped = storage.stopped()
  return {
    root: rootOf(storage),
    writable: stopped === undefined,
    error: stopped === undefined ? null : messageOf(stopped),
    freeBytes: bavail * bsize,
    isLow: (await parts.room.shortage()) !== undefined,
    damagedBlocks: storage.healer.lost,
    uploads: await storage.uploads.count(),
    gc: gcReport(collector),
    clock: clockReport(parts.ages.doubt),
    scrub: scrubReport(parts.scrubber),
    tombstones: tombstones
      .list()
      .map(({ name, kind, what, at }) => ({ name, kind, what, at: time(at) })),
  }
}

function gcReport(collector: Collector): object {
  const { running, last, error } = collector.status()
  return { running: running?.phase ?? null, last: last ?? null, error: error ?? null }
}

function scrubReport(scrubber: Scrubber): object {
  const { startedAt, last, error, ...more } = scrubber.status()
  return { ...more, startedAt: time(startedAt), last: last ?? null, error: error ?? null }
}

/** `null` when the journal cannot tell; everything else of the status is still worth having. */
function rootOf({ lane }: Storage): string | null {
  try {
    return lane.root.toString()
  } catch (error) {
    if (isRegistryError(error, 'UNAVAILABLE')) return null
    throw error
  }
}

/**
 * Whether the node can do what it is for. Mirrors that are away do not make it unready: what is here is served. Nor does
 * another writer under our key: every push is taken and kept, only that others do not see it yet.
 *
 * Everybody may ask, so only the kind of trouble is told: what it is about is in the log and in the status.
 */
export async function readinessOf({
  storage,
  publisher,
  room,
  audit,
}: Pick<StatusParts, 'storage' | 'publisher' | 'room' | 'audit'>): Promise<Readiness> {
  if (storage.stopped() !== undefined) {
    const reason =
      'the registry takes no changes, because its disk failed or lost something (storage.error in the status)'
    return { ready: false, reason }
  }
  if ((await room.shortage()) !== undefined)
    return { ready: false, reason: 'the disk is nearly full, so pushes are refused with 507' }
  if (publisher?.status().conflict !== undefined)
    return { ready: true, degraded: 'another writer uses our key (ipns.error in the status)' }
  if (audit !== undefined && audit.status().error !== null)
    return {
      ready: true,
      degraded: 'the audit log cannot be written (audit.error in the status)',
    }
  return { ready: true }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
