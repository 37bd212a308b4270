import { Key } from 'interface-datastore'
import { NotFoundError } from '@libp2p/interface'
import { CID } from 'multiformats/cid'
import type { mfs } from '@helia/mfs'
import type { Datastore } from 'interface-datastore'
import type { BlockStore } from '../blocks/block-store.ts'

/*
 * @helia/mfs 4.0.3 expects the store interfaces of two versions ago: a block store whose `get` returns bytes, and
 * CIDs and keys that are of other classes than ours (facts S1). These adapters translate the few calls it makes.
 */

type MfsStores = Parameters<typeof mfs>[0]
type MfsBlockstore = MfsStores['blockstore']
type MfsDatastore = MfsStores['datastore']

/** Our block store for MFS. Nothing can be deleted through it; the collector does that. */
export function mfsBlocks(blocks: BlockStore): MfsBlockstore {
  const store: Pick<MfsBlockstore, 'get' | 'has' | 'put'> = {
    async get(cid) {
      const bytes = await blocks.get(CID.decode(cid.bytes))
      if (bytes === undefined) throw new NotFoundError(`block ${cid.toString()} is missing`)
      return bytes
    },
    has: (cid) => blocks.has(CID.decode(cid.bytes)),
    async put(cid, bytes) {
      await blocks.put(CID.decode(cid.bytes), bytes)
      return cid
    },
  }
  return store as MfsBlockstore // it calls no other method
}

/** Our datastore for an MFS that begins empty: what it holds is replaced, and never read. */
export function mfsPointer(datastore: Datastore): MfsDatastore {
  const store: Pick<MfsDatastore, 'get' | 'put'> = {
    get: () => Promise.reject(new NotFoundError('the root is made anew')),
    async put(key, value) {
      await datastore.put(new Key(key.toString()), value)
      return key
    },
  }
  return store as MfsDatastore // it calls no other method
}
