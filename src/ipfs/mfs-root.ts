import { mfs } from '@helia/mfs'
import { Key } from 'interface-datastore'
import { CID } from 'multiformats/cid'
import { isNamed } from './errors.ts'
import { mfsBlocks, mfsPointer } from './mfs-stores.ts'
import type { Datastore } from 'interface-datastore'
import type { BlockStore } from '../blocks/block-store.ts'

/** Where Kubo keeps its MFS root too. */
const ROOT_KEY = '/local/filesroot'

/** The one thing in the root. */
const REGISTRY = '/docker'

/** The MFS root: what is published. It holds `/docker`, and nothing else (promise I4). */
export interface MfsRoot {
  /** The root now. */
  root(): Promise<CID>
  /**
   * Puts this directory in the place of `/docker` (`undefined`: takes it away) and returns the new root. Its block is
   * in the block store then, but durable only after the next sync: it can be made again from the journal.
   */
  set(docker: CID | undefined, options?: { signal?: AbortSignal | undefined }): Promise<CID>
}

/**
 * The root as it was left, before {@link openMfsRoot} sets it anew. `undefined` when there is none, or what is there is
 * no CID: it only serves to notice that something else is missing.
 */
export async function readMfsRoot(datastore: Datastore): Promise<CID | undefined> {
  let bytes: Uint8Array
  try {
    bytes = await datastore.get(new Key(ROOT_KEY))
  } catch (error) {
    if (isNamed(error, 'NotFoundError')) return undefined
    throw error
  }
  try {
    return CID.decode(bytes)
  } catch {
    return undefined // whatever the decoder thinks is wrong with it
  }
}

/**
 * Opens the root with what the journal says is current. What was there before is not looked at: the journal is the
 * truth, and a root that was damaged or lost is made anew.
 */
export async function openMfsRoot(
  components: { blocks: BlockStore; datastore: Datastore },
  docker: CID | undefined,
): Promise<MfsRoot> {
  const holder = new HeliaMfsRoot(components)
  await holder.set(docker)
  return holder
}

/**
 * @helia/mfs only makes and holds the root. It has no lock, and takes an unreadable directory for an empty one
 * (facts S1, S2); so it is given an empty root each time, one `cp` into it, and one call at a time. Edits of the tree
 * are the commit lane's.
 */
class HeliaMfsRoot implements MfsRoot {
  readonly #stores: Parameters<typeof mfs>[0]
  #last: Promise<CID>

  constructor(components: { blocks: BlockStore; datastore: Datastore }) {
    this.#stores = {
      blockstore: mfsBlocks(components.blocks),
      datastore: mfsPointer(components.datastore),
    }
    this.#last = Promise.reject(new Error('the root is not set yet'))
    this.#last.catch(() => undefined)
  }

  root(): Promise<CID> {
    return this.#last
  }

  set(docker: CID | undefined, options: { signal?: AbortSignal | undefined } = {}): Promise<CID> {
    const before = this.#last
    const next = before
      .catch(() => undefined) // each caller has its own failure
      .then(() => {
        options.signal?.throwIfAborted()
        return this.#make(docker)
      })
    // A root that could not be made leaves the one before in place.
    this.#last = next.catch(() => before)
    this.#last.catch(() => undefined)
    return next
  }

  async #make(docker: CID | undefined): Promise<CID> {
    const fs = mfs(this.#stores, { key: ROOT_KEY })
    if (docker !== undefined) await fs.cp(docker, REGISTRY, { force: true })
    const { cid } = await fs.stat('/')
    return CID.decode(cid.bytes)
  }
}
