import type { MirrorErrors } from './mirror-errors.ts'
import type { OpenMirror } from './mirrors.ts'
import type { Replication } from './replication.ts'
import type { ReplicationStatus } from './replicator.ts'

/** Where the status of mirrors comes from. */
export interface MirrorStatusParts {
  readonly mirrorErrors: Pick<MirrorErrors, 'of'>
  readonly replication: Pick<Replication, 'of'>
}

/** One mirror in the status. */
export function mirrorReport(
  { follower, source, entry }: OpenMirror,
  { mirrorErrors, replication }: MirrorStatusParts,
): object {
  const { name, root, sequence, resolvedAt, state, error } = follower.status()
  const since = source.staleSince?.()
  const isOutdated =
    root !== undefined &&
    entry.maxStale !== null &&
    since !== undefined &&
    Date.now() - since > entry.maxStale
  return {
    name,
    root: root ?? null,
    sequence: sequence === undefined ? null : Number(sequence),
    resolvedAt: time(resolvedAt),
    staleSince: time(since),
    state: isOutdated && state !== 'error' ? 'outdated' : state,
    error: error ?? (isOutdated ? OUTDATED : undefined) ?? mirrorErrors.of(name) ?? null,
    replication: replicationReport(replication.of(name)),
  }
}

const OUTDATED =
  'it has been stale for longer than maxStale, so its tags and listings are not served; content by digest is'

function replicationReport(status: ReplicationStatus): object {
  const { mode, state, root, blobsDone, blobsTotal, bytesDone, bytesTotal } = status
  return {
    mode,
    state,
    root: root ?? null,
    blobsDone,
    blobsTotal,
    bytesDone,
    bytesTotal,
    completeRoot: status.completeRoot ?? null,
    completedAt: time(status.completedAt),
    error: status.error ?? null,
  }
}

/** ISO 8601; `null` for what is not known. */
export function time(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : new Date(milliseconds).toISOString()
}
