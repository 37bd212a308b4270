import { encodeDirectory } from '../blocks/nodes.ts'
import { readMfsRoot } from '../ipfs/mfs-pointer.ts'
import { Notes } from '../ipfs/notes.ts'
import { loadPublisherState } from '../naming/publisher-state.ts'
import { rootOf } from '../naming/root-value.ts'
import { lostEnd } from '../tree/lost-end.ts'
import { markLoss, markedLoss } from './loss-mark.ts'
import { notedNewest } from './newest-note.ts'
import { isOurs } from './promotion.ts'
import type { LevelDatastore } from 'datastore-level'
import type { Logger } from 'pino'
import type { CID } from 'multiformats/cid'
import type { DataDirectory } from './data-directory.ts'
import type { NotedCommit } from './newest-note.ts'
import type { Storage } from './storage.ts'

/** What MFS holds before anything was pushed. */
const EMPTY_ROOT = encodeDirectory([]).cid

/** Where it is to be seen that the journal lost its end. */
export interface Witnesses {
  readonly directory: DataDirectory
  readonly storage: Pick<Storage, 'journal' | 'lane' | 'state'>
  /** The other database; `undefined` where there is none. */
  readonly datastore: LevelDatastore | undefined
}

/**
 * Stops the lane when anything knows of a commit that the journal does not: the mark of an earlier start, the commit that was
 * noted as the newest, the MFS root, or the record that was published. Nothing may have changed before, and none of these
 * may be set anew afterwards: each later start has to see the same.
 */
export async function findLoss(witnesses: Witnesses): Promise<void> {
  const { directory, storage } = witnesses
  const { lane } = storage
  const marked = await markedLoss(directory)
  const message = marked ?? (lane.lost === undefined ? await whatIsLost(witnesses) : undefined)
  if (message !== undefined) lane.stop(new Error(message))
}

/** The same, and remembers what it finds. */
export async function findAndMarkLoss(witnesses: Witnesses, log: Logger): Promise<void> {
  const { directory, storage } = witnesses
  await findLoss(witnesses)
  const { lost } = storage.lane
  if (!(lost instanceof Error)) return
  log.fatal({ err: lost }, 'the registry is read-only')
  if ((await markedLoss(directory)) !== undefined) return
  await markLoss(directory, lost.message).catch((error: unknown) => {
    log.error(
      { err: error },
      'that cannot be noted on the disk; the next start has to find it by itself',
    )
  })
}

/** The newest commit that is known of, when the journal does not have it: it can be brought back. */
export async function lostCommit({
  storage: { journal },
  datastore,
}: Pick<Witnesses, 'storage' | 'datastore'>): Promise<NotedCommit | undefined> {
  const noted = datastore && (await notedNewest(new Notes(datastore)))
  if (noted === undefined) return undefined
  const { entry: newest } = await journal.newest()
  if (newest === undefined || newest.sequence < noted.sequence) return noted
  const oldest = await journal.oldest()
  if (oldest === undefined || noted.sequence < oldest) return undefined
  const entry = newest.sequence === noted.sequence ? newest : await journal.entry(noted.sequence)
  // One that is missing between others is no lost end: heliport fsck tells of it.
  return entry === undefined || isSame(entry, noted) ? undefined : noted
}

function isSame(one: NotedCommit, other: NotedCommit): boolean {
  return one.public.equals(other.public) && one.private?.toString() === other.private?.toString()
}

async function whatIsLost(witnesses: Witnesses): Promise<string | undefined> {
  const { datastore, storage } = witnesses
  const commit = await lostCommit(witnesses)
  if (commit !== undefined) {
    const when = new Date(commit.time).toISOString()
    return lostEnd(`commit ${commit.sequence} (${when}, root ${commit.public})`).message
  }
  const root = datastore && (await readMfsRoot(datastore))
  if (root !== undefined && !(await isKnown(root, storage)))
    return lostEnd(`the MFS root ${root}`).message
  const published = await unknownPublished(storage)
  return published && lostEnd(`the root ${published}, which was published`).message
}

async function isKnown(root: CID, { lane, journal }: Witnesses['storage']): Promise<boolean> {
  return root.equals(EMPTY_ROOT) || root.equals(lane.root) || journal.has(root)
}

/** What we signed and told, and do not know: a state without a record may have been another writer's. */
async function unknownPublished(storage: Witnesses['storage']): Promise<CID | undefined> {
  const map = storage.state.map('publisher')
  for await (const [name] of map.entries()) {
    const state = await loadPublisherState(map, name).catch(() => undefined) // the publisher tells of it
    const root = state?.record === undefined ? undefined : rootOf(state.value)
    if (root !== undefined && !(await isOurs(root, name, storage))) return root
  }
  return undefined
}
