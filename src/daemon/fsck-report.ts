/** What a check is doing. */
export type FsckPhase = 'count' | 'trees' | 'uploads' | 'blocks' | 'claims' | 'places'

/** Whom something concerns that is damaged; `null` for what does not apply. */
export interface Concern {
  readonly repository: string | null
  readonly tag: string | null
  readonly digest: string | null
}

/** What a finding is about. */
export type FindingKind =
  | 'block'
  | 'directory'
  | 'link'
  | 'content'
  | 'manifest'
  | 'commit'
  | 'upload'
  | 'claim'
  | 'database'

/** Something that is damaged, missing or wrong. Its names are a contract. */
export interface Finding {
  readonly kind: FindingKind
  /** What is wrong with it. */
  readonly message: string
  /** Its block, a CID. */
  readonly block: string | null
  /** Where it was met first, in the tree of which commit: the newest that has it. */
  readonly path: string | null
  readonly commit: number | null
  /** Not more than 20. */
  readonly concerns: readonly Concern[]
  /** What can be done. */
  readonly advice: string
  /** Whether it is well again. */
  readonly mended: boolean
}

/** How many of each were looked at, each once. */
export interface FsckCounts {
  blocks: number
  bytes: number
  commits: number
  directories: number
  links: number
  contents: number
  manifests: number
  uploads: number
  claims: number
}

/** How a check stands. Kept up to date while it runs. */
export interface FsckRun {
  readonly repair: boolean
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  phase: FsckPhase
  /** Blocks that are stored. */
  total: number
  readonly checked: FsckCounts
  /** Things found that are not well. */
  damaged: number
  mended: number
}

/** A report of a check, as the commands show it: its names are a contract. */
export interface FsckReport {
  readonly repair: boolean
  /** ISO 8601. */
  readonly startedAt: string
  readonly ms: number
  readonly checked: Readonly<FsckCounts>
  /** Things that are not well, and were not mended. */
  readonly damaged: number
  readonly mended: number
  /** The first thousand. */
  readonly findings: readonly Finding[]
}

export function newFsckRun(repair: boolean, startedAt: number): FsckRun {
  return {
    repair,
    startedAt,
    phase: 'count',
    total: 0,
    checked: newCounts(),
    damaged: 0,
    mended: 0,
  }
}

/** Nothing was looked at yet. */
export function newCounts(): FsckCounts {
  return {
    blocks: 0,
    bytes: 0,
    commits: 0,
    directories: 0,
    links: 0,
    contents: 0,
    manifests: 0,
    uploads: 0,
    claims: 0,
  }
}

/** How far it is, for whoever waits. */
export function fsckProgress({ phase, total, checked, damaged, mended }: FsckRun): object {
  return { phase, done: checked.blocks, total, bytes: checked.bytes, damaged, mended }
}

export function fsckReport(run: FsckRun, findings: readonly Finding[], now: number): FsckReport {
  return {
    repair: run.repair,
    startedAt: new Date(run.startedAt).toISOString(),
    ms: now - run.startedAt,
    checked: { ...run.checked },
    damaged: run.damaged,
    mended: run.mended,
    findings,
  }
}
