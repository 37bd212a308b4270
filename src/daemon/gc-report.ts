import type { Reclaimed } from '../blocks/collection.ts'
import type { ClockDoubt } from './age-clock.ts'
import type { Tidied } from '../registry/tidying.ts'

/** What the collector is doing. */
export type GcPhase = 'tidy' | 'mark' | 'sweep'

/** How a collection stands, and at its end what it did. Kept up to date while it runs. */
export interface GcRun {
  readonly dryRun: boolean
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** By which ages go; the same. */
  readonly now: number
  /** What of the clock's time does not count. */
  readonly doubt: ClockDoubt | undefined
  phase: GcPhase
  readonly tidied: Tidied
  /** Commits whose trees are no longer kept, and those whose trees are. */
  commits: number
  keptCommits: number
  /** Nodes whose links were followed. */
  nodes: number
  /** Blocks that stay because something links them, and the memory that it took to know them, in bytes. */
  live: number
  memory: number
  readonly reclaimed: Reclaimed
  /** Bytes of what is kept of lazy mirrors; `undefined` when nobody counts them. */
  cacheBytes: number | undefined
}

export function newRun(begun: Pick<GcRun, 'dryRun' | 'startedAt' | 'now' | 'doubt'>): GcRun {
  return {
    ...begun,
    phase: 'tidy',
    tidied: {
      repositories: 0,
      tags: 0,
      tagNames: [],
      manifests: 0,
      blobs: 0,
      contents: 0,
      leased: 0,
    },
    commits: 0,
    keptCommits: 0,
    nodes: 0,
    live: 0,
    memory: 0,
    reclaimed: { seen: 0, blocks: 0, bytes: 0 },
    cacheBytes: undefined,
  }
}

/** A report of a collection, as the commands and the status show it: its names are a contract. */
export interface GcReport {
  readonly dryRun: boolean
  /** ISO 8601. */
  readonly startedAt: string
  readonly ms: number
  /** Tags that went by `retention.tags`. */
  readonly tags: number
  /** Their names, `<repository>:<tag>`, at most 1000, and only of a dry run: `heliport log` has those that went. */
  readonly tagNames: readonly string[]
  readonly manifests: number
  readonly blobs: number
  readonly contents: number
  /** Of those that might have gone, manifests and links of blobs that a lease kept. */
  readonly leased: number
  readonly commits: number
  /** Commits of the history whose trees are kept, with all their blocks. */
  readonly keptCommits: number
  readonly blocks: number
  readonly bytes: number
  readonly keptBlocks: number
  readonly cacheBytes: number | null
  /** Seconds until links of blobs are tidied up again: after a start that followed no orderly stop, nobody knows the leases. */
  readonly leasedFor: number
  /** Time that the clock says has passed and that made nothing older, in seconds; `null` when the clock was believed. */
  readonly clock: ClockReport | null
  readonly memoryBytes: number
}

/** {@link ClockDoubt} in seconds: how far the clock is ahead, and after how long a time of running that counts. */
export interface ClockReport {
  readonly aheadBy: number
  readonly countedIn: number
}

export function clockReport(doubt: ClockDoubt | undefined): ClockReport | null {
  if (doubt === undefined) return null
  const [aheadBy, countedIn] = [doubt.aheadBy / 1000, doubt.countedIn / 1000].map(Math.ceil)
  return { aheadBy: aheadBy ?? 0, countedIn: countedIn ?? 0 }
}

export function reportOf(run: GcRun, now: number, leasedFor: number): GcReport {
  const { tidied, reclaimed } = run
  return {
    dryRun: run.dryRun,
    startedAt: new Date(run.startedAt).toISOString(),
    ms: now - run.startedAt,
    tags: tidied.tags,
    tagNames: tidied.tagNames,
    manifests: tidied.manifests,
    blobs: tidied.blobs,
    contents: tidied.contents,
    leased: tidied.leased,
    commits: run.commits,
    keptCommits: run.keptCommits,
    blocks: reclaimed.blocks,
    bytes: reclaimed.bytes,
    keptBlocks: reclaimed.seen - reclaimed.blocks,
    cacheBytes: run.cacheBytes ?? null,
    leasedFor: Math.ceil(leasedFor / 1000),
    clock: clockReport(run.doubt),
    memoryBytes: run.memory,
  }
}
