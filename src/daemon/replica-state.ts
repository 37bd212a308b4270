import { CID } from 'multiformats/cid'
import type { DurableMap } from '../registry/ports.ts'
import type { ReplicaProgress } from '../tree/replicate.ts'

/** A tree of a mirror that is here as a whole. */
export interface Replica {
  readonly root: CID
  /** Of which repositories that holds: the text of a `RepositorySet`. */
  readonly repositories: string
  /** Whether these are all there are. */
  readonly isWhole: boolean
  /** The IPNS name whose tree it is, also where the mirror is a domain's; absent when that could not be told. */
  readonly key: string | undefined
  /** Milliseconds since the epoch. */
  readonly completedAt: number
  /** What the run that completed it had to do. */
  readonly progress: ReplicaProgress
  /** It was not kept as a whole for a while, and collections may have taken some of it. */
  readonly isDoubtful?: boolean
}

/** @returns `undefined` when nothing of that mirror is known to be complete, or what is remembered cannot be read */
export async function loadReplica(map: DurableMap, mirror: string): Promise<Replica | undefined> {
  const bytes = await map.get(mirror)
  const replica = bytes === undefined ? undefined : parse(bytes)
  return replica?.isDoubtful === true ? undefined : replica
}

export async function saveReplica(
  map: DurableMap,
  mirror: string,
  replica: Replica,
): Promise<void> {
  await map.put(mirror, Buffer.from(JSON.stringify({ ...replica, root: replica.root.toString() })))
}

/** Nothing counts as complete any more: everything is looked through again. */
export async function forgetReplicas(map: DurableMap): Promise<void> {
  for await (const [mirror] of map.entries()) await map.delete(mirror)
}

/**
 * Copies that nothing keeps any more do not count as complete, should their mirrors be full again. Not forgotten: a node
 * that takes over a name begins with the copy, after a look at all of it.
 *
 * @param kept the mirrors whose copies collections leave whole
 */
export async function doubtReplicas(map: DurableMap, kept: ReadonlySet<string>): Promise<void> {
  for await (const [mirror, bytes] of map.entries()) {
    const replica = parse(bytes)
    if (replica === undefined || replica.isDoubtful === true || kept.has(mirror)) continue
    await saveReplica(map, mirror, { ...replica, isDoubtful: true })
  }
}

/**
 * What is here, or was, as a whole of the tree of an IPNS name, whatever the mirror was called. Whoever builds on it looks
 * first whether it still is.
 */
export async function replicaOf(map: DurableMap, key: string): Promise<Replica | undefined> {
  let newest: Replica | undefined
  for await (const [, bytes] of map.entries()) {
    const replica = parse(bytes)
    if (replica?.key === key && replica.completedAt > (newest?.completedAt ?? -1)) newest = replica
  }
  return newest
}

/** What cannot be read is as if it were not there: then everything is looked through once more. */
function parse(bytes: Uint8Array): Replica | undefined {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as Replica & { root: string }
    return { ...value, root: CID.parse(value.root) }
  } catch {
    return undefined
  }
}
