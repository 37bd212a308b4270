import { CID } from 'multiformats/cid'
import { MissingBlockError } from '../blocks/block-store.ts'
import { KeptBlocks } from '../blocks/kept-blocks.ts'
import { StartError } from '../ipfs/errors.ts'
import { loadMirrorState } from '../naming/mirror-state.ts'
import { loadPublisherState, savePublisherState } from '../naming/publisher-state.ts'
import { valueOf } from '../naming/root-value.ts'
import { ALL_REPOSITORIES } from '../oci/repository-pattern.ts'
import { Trust } from '../registry/trust.ts'
import { Journal } from '../tree/journal.ts'
import { ReplicationError } from '../tree/replica-problems.ts'
import { replicateTree } from '../tree/replicate.ts'
import { forgetArrangement } from './arrangement.ts'
import { replicaOf } from './replica-state.ts'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import type { MirrorState } from '../naming/mirror-state.ts'
import type { DurableMap } from '../registry/ports.ts'
import type { Storage } from './storage.ts'

/** What a promotion works with. */
export interface PromotionParts {
  readonly config: Config
  readonly storage: Storage
  readonly log: Logger
  readonly signal: AbortSignal
}

/**
 * A node that mirrored a name and was given its key becomes its writer: our own tree begins with the whole copy of the
 * mirror's, so that nothing is taken away from those who follow the name. Needs no network.
 *
 * @param own the IPNS name of our write key
 * @throws StartError when that cannot be done although the name was mirrored here, or is to be: what we would publish
 * then is less than what there is under the name
 */
export async function promote(own: string, parts: PromotionParts): Promise<void> {
  const { config, storage } = parts
  const { lane, state } = storage
  if (lane.stopped !== undefined) return // nothing is published then
  const floor = await newestFloor(own, parts)
  const isMirrored = config.ipns.readOnlyKeys.some(({ text }) => text === own)
  if (floor === undefined && (!isMirrored || !lane.isNew)) return
  if (floor !== undefined && (await isOurs(floor.root, own, storage))) return
  if (!lane.isNew)
    throw refusal(own, config, 'this registry has a tree of its own already', OWN_TREE)
  if (floor === undefined) throw refusal(own, config, 'nothing of it is here yet', REPLICATE)
  const replica = await replicaOf(state.map('replicas'), own)
  if (replica === undefined)
    throw refusal(own, config, 'no root of it was ever complete here', REPLICATE)
  if (!replica.root.equals(floor.root)) {
    const why = `its newest root that is known here, ${floor.root}, is not complete (${replica.root} was)`
    throw refusal(own, config, why, REPLICATE)
  }
  if (!replica.isWhole)
    throw refusal(
      own,
      config,
      `only some of its repositories are here (${replica.repositories})`,
      REPLICATE,
    )
  await begin(own, floor, parts)
}

type Floor = NonNullable<MirrorState['floor']>

/** The newest record that any mirror here took of the name: its own, or one of a domain that stands for it. */
async function newestFloor(
  own: string,
  { config, storage }: PromotionParts,
): Promise<Floor | undefined> {
  const map = storage.state.map('mirrors')
  let newest: Floor | undefined
  for await (const [key] of map.entries()) {
    if (key !== own && !key.endsWith(`/${own}`)) continue
    const { floor } = await loadMirrorState(map, key).catch((error: unknown) => {
      const why = `what is remembered of it cannot be read (${String(error).slice(0, 200)})`
      throw refusal(own, config, why, OWN_TREE)
    })
    if (floor !== undefined && floor.sequence > (newest?.sequence ?? -1n)) newest = floor
  }
  return newest
}

async function begin(own: string, floor: Floor, parts: PromotionParts): Promise<void> {
  const { config, storage, signal } = parts
  const { state, lane } = storage
  const log = parts.log.child({ room: 'daemon' })
  const mirrored = floor.root.toString()
  log.info({ ipns: own, root: mirrored }, 'this node takes over a name that it mirrored')
  try {
    await checkWhole(floor.root, parts)
  } catch (error) {
    if (!(error instanceof ReplicationError)) throw error
    throw refusal(own, config, `its copy is not whole any more: ${error.message}`, REPLICATE)
  }
  await raiseSequence(own, floor, state.map('publisher'))
  await state.map('promoted').put(own, Buffer.from(mirrored))
  await forgetArrangement(state)
  const root = await lane.begin(floor.root, { signal })
  for await (const _ of state.map('tombstones').entries()) {
    log.warn(
      'what was deleted here from the mirror is part of the tree now: delete it again to remove it for everybody',
    )
    break
  }
  log.info(
    { ipns: own, root: root.toString(), mirrored },
    'this node is the writer of the name now',
  )
}

/** Everything is looked at once more: it may have been complete a year ago. */
async function checkWhole(root: CID, { config, storage, signal }: PromotionParts): Promise<void> {
  const { blocks, directories, state } = storage
  const nowhere = (cid: CID): Promise<never> => Promise.reject(new MissingBlockError(cid))
  const kept = new KeptBlocks({ store: blocks, fetch: nowhere, makeRoom: () => Promise.resolve() })
  const parts = {
    blocks: kept,
    before: directories,
    claims: new Trust({ map: state.map('trust'), now: Date.now }),
    repositories: ALL_REPOSITORIES,
    blobLimit: config.limits.blob,
  }
  const progress = { blobsDone: 0, blobsTotal: 0, bytesDone: 0, bytesTotal: 0 }
  await replicateTree(parts, { root, before: undefined }, progress, { signal })
}

/** The name goes on above the newest record that was seen of it (promise I6). */
async function raiseSequence(own: string, floor: Floor, map: DurableMap): Promise<void> {
  const known = await loadPublisherState(map, own)
  if (known.sequence >= floor.sequence) return
  const { sequence, root } = floor
  // Confirmed: whoever publishes something newer is another writer, and not an older self of ours.
  await savePublisherState(map, own, { sequence, value: valueOf(root), confirmed: true })
}

/** Whether a root was ever our own tree, or what it began from. */
export async function isOurs(
  root: CID,
  own: string,
  { lane, state }: Pick<Storage, 'lane' | 'state'>,
): Promise<boolean> {
  if (root.equals(lane.root)) return true
  const began = await state.map('promoted').get(own)
  if (began !== undefined && CID.parse(Buffer.from(began).toString('utf8')).equals(root))
    return !lane.isNew
  return new Journal(state).has(root)
}

const REPLICATE =
  'Start with ipns.writeKey: null and the name as { key, replicate: full } in ipns.readOnlyKeys, until heliport status says that its replication is complete; then set ipns.writeKey again'
const OWN_TREE =
  'Let a Heliport with a new data directory mirror the name as { key, replicate: full } from here, and give the key to that one; or publish under another key here'

function refusal(own: string, { ipns }: Config, why: string, what: string): StartError {
  return new StartError(
    `ipns.writeKey ${ipns.writeKey} publishes ${own}, a name that this node mirrors, and ${why}: publishing would take the rest away from everybody who follows it. ${what}.`,
  )
}
