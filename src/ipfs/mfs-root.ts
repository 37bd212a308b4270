import { mfs } from '@helia/mfs'
import { CID } from 'multiformats/cid'
import { ROOT_KEY } from './mfs-pointer.ts'
import { mfsBlocks, mfsPointer } from './mfs-stores.ts'
import type { Datastore } from 'interface-datastore'
import type { BlockStore } from '../blocks/block-store.ts'

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
