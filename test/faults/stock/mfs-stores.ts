import { Key } from 'interface-datastore'
import { mfsBlocks } from '../../../src/ipfs/mfs-stores.ts'
import type { mfs } from '@helia/mfs'
import type { Datastore } from 'interface-datastore'
import type { BlockStore } from '../../../src/blocks/block-store.ts'

type MfsStores = Parameters<typeof mfs>[0]

/**
 * The stores that @helia/mfs is given, in its interfaces of two versions ago. A block is safe on disk when its `put`
 * resolves, so that nothing which is found is the block store's.
 */
export function mfsStores(blocks: BlockStore, datastore: Datastore): MfsStores {
  const blockstore = mfsBlocks({
    get: (cid, options) => blocks.get(cid, options),
    has: (cid, options) => blocks.has(cid, options),
    size: (cid, options) => blocks.size(cid, options),
    sync: () => blocks.sync(),
    async put(cid, bytes, options) {
      await blocks.put(cid, bytes, options)
      await blocks.sync()
    },
  })
  const pointer: Pick<MfsStores['datastore'], 'get' | 'put'> = {
    get: (key) => Promise.resolve(datastore.get(new Key(key.toString()))),
    async put(key, value) {
      await datastore.put(new Key(key.toString()), value)
      return key
    },
  }
  return { blockstore, datastore: pointer as MfsStores['datastore'] } // it calls no other method
}
