import { DiskBlockStore as OurBlockStore } from '../../../src/blocks/disk-block-store.ts'

/** Ours, but what is read is compared with nothing: Helia checks only what comes from the network. */
export const DiskBlockStore: Pick<typeof OurBlockStore, 'open'> = {
  async open(...args) {
    const store = await OurBlockStore.open(...args)
    const stored = store.stored()
    store.get = (cid) => stored.read(cid)
    return store
  },
}
