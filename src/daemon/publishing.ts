import { encodeDirectory } from '../blocks/nodes.ts'
import { ipnsNameOf } from '../ipfs/keys.ts'
import { openMfsRoot } from '../ipfs/mfs-root.ts'
import { Notes } from '../ipfs/notes.ts'
import { Publisher } from '../naming/publisher.ts'
import { TOP } from '../tree/layout.ts'
import { noteNewest } from './newest-note.ts'
import { inTwoBooks } from './publisher-book.ts'
import { noteWriteKey } from './write-key.ts'
import { isOurs } from './promotion.ts'
import type { LevelDatastore } from 'datastore-level'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import type { MfsRoot } from '../ipfs/mfs-root.ts'
import type { IpfsNode } from '../ipfs/node.ts'
import type { RecordExchange } from '../naming/record-exchange.ts'
import type { JournalEntry } from '../tree/journal.ts'
import type { CID } from 'multiformats/cid'
import type { OpenKeys } from './keys.ts'
import type { Provider } from './provider.ts'
import type { Storage } from './storage.ts'

/** What MFS holds before anything was pushed. */
const EMPTY_ROOT = encodeDirectory([]).cid

/**
 * The least time from one record to the next, in ms. Each costs two signatures and three synced writes, which pushes in a
 * row would wait for: of their roots one in so long goes out, and the last one always.
 */
const RECORD_PAUSE = 100

/** What follows from a new root: the MFS root is set to it, and it is published. Both can be made again from the journal. */
export class RootFollower {
  readonly #log: Logger
  #storage: Storage | undefined
  #mfs: MfsRoot | undefined
  #notes: Notes | undefined
  #publisher: Publisher | undefined
  #provider: Provider | undefined

  constructor(log: Logger) {
    this.#log = log
  }

  /**
   * Sets MFS to the journal's root; from now on it follows, and so does the note of the newest commit. Not while the lane is
   * stopped: what is there then is all that tells of what the journal lost.
   */
  async open(storage: Storage, { datastore }: OpenKeys): Promise<void> {
    this.#storage = storage
    if (storage.lane.stopped !== undefined) return
    this.#notes = new Notes(datastore)
    try {
      const { entry } = await storage.journal.newest()
      if (entry !== undefined) await noteNewest(this.#notes, entry)
      const docker = await dockerOf(storage, storage.lane.root)
      this.#mfs = await openMfsRoot({ blocks: storage.blocks, datastore }, docker)
    } catch (error) {
      // A damaged top of the tree must not keep the rest from being served: reads of it answer 503 by themselves.
      this.#log.error(
        { err: error },
        'the MFS root cannot be set: the top of the tree cannot be read',
      )
    }
  }

  /** A commit is durable: it is noted as the newest. Never fails. */
  async committed(entry: JournalEntry): Promise<void> {
    if (this.#notes === undefined) return
    await noteNewest(this.#notes, entry).catch((error: unknown) => {
      this.#log.error({ err: error }, 'the newest commit could not be noted; the next one is')
    })
  }

  /**
   * Publishes the current root, and every one after it. A registry that nothing was ever pushed to is not published: on
   * a key that was restored to an empty data directory, it would take everything away from those who mirror it.
   */
  publishWith(publisher: Publisher, provider: Provider): void {
    this.#publisher = publisher
    this.#provider = provider
    const lane = this.#storage?.lane
    // Nor is a state that may be older than what was published before: the name would move back (promise I6).
    if (lane !== undefined && !lane.isNew && lane.stopped === undefined) this.#publish(lane.root)
  }

  /** A commit is durable. Never fails: the commit stands, whatever becomes of the rest. */
  async changed(root: CID): Promise<void> {
    this.#publish(root) // first, because others wait for it, and nobody for MFS
    try {
      if (this.#storage !== undefined) await this.#mfs?.set(await dockerOf(this.#storage, root))
    } catch (error) {
      this.#log.error(
        { err: error },
        'the MFS root could not be set; it is set again at the next commit or start',
      )
    }
  }

  #publish(root: CID): void {
    if (this.#publisher === undefined) return
    // Nothing of it is published: on a restored key, the empty tree would take everything away from those who mirror it.
    if (root.equals(EMPTY_ROOT) && this.#publisher.status().publishedRoot === undefined) return
    this.#publisher.publish(root)
    this.#provider?.provide(root)
  }
}

async function dockerOf({ directories }: Storage, root: CID): Promise<CID | undefined> {
  return (await directories.lookup(root, TOP))?.cid
}

/** What the publisher needs from the other rooms. */
export interface PublisherParts {
  readonly storage: Storage
  readonly node: IpfsNode
  readonly exchange: RecordExchange
  readonly datastore: LevelDatastore
  readonly log: Logger
}

/** The publisher of our own registry; `undefined` on a read-only node. */
export async function openPublisher(
  { ipns, network }: Config,
  { storage, node, exchange, datastore, log: parent }: PublisherParts,
): Promise<Publisher | undefined> {
  const { writeKey } = ipns
  if (writeKey === null) return undefined
  const isNewKey = (await node.keys.list()).every(({ name }) => name !== writeKey)
  const key = await node.keys.getOrCreate(writeKey)
  const name = ipnsNameOf(key)
  const log = parent.child({ room: 'naming' })
  await noteWriteKey(writeKey, name, { storage, log })
  return new Publisher(
    {
      key,
      keychain: node.keys.keychain,
      exchange,
      state: inTwoBooks(storage.state.map('publisher'), new Notes(datastore), log),
      addresses: () => node.announcedAddresses(),
      isNewKey,
      expectsPeers: network.mode !== 'offline' || network.peers.length > 0,
      isOurs: (root) => isOurs(root, name, storage),
      log,
    },
    { lifetime: ipns.lifetime, pause: RECORD_PAUSE },
  )
}
