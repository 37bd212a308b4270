import { Overlay } from '../../src/registry/overlay.ts'
import { Tombstones } from '../../src/registry/tombstones.ts'
import { Trust } from '../../src/registry/trust.ts'
import { durableMapContract } from '../contracts/durable-map-contract.ts'
import { readerContract } from '../contracts/reader-contract.ts'
import { uploadStoreContract } from '../contracts/upload-store-contract.ts'
import { writerContract } from '../contracts/writer-contract.ts'
import { MemoryMap } from '../support/memory-map.ts'
import { MemoryRegistry, MemoryUploadStore } from '../support/memory-ports.ts'

const now = () => 0

const memory = async () => {
  const registry = new MemoryRegistry()
  return { source: registry, writer: registry, content: registry.content }
}

readerContract('the memory registry', memory)
writerContract('the memory registry', memory)

const overlay = async (own: MemoryRegistry, mirrors: MemoryRegistry[]) =>
  new Overlay({
    own,
    mirrors,
    trust: new Trust({ map: new MemoryMap(), now }),
    blobLimit: 2 ** 30,
    tombstones: await Tombstones.open(new MemoryMap(), now),
    now,
  })

readerContract('the overlay over our own tree', async () => {
  const own = new MemoryRegistry()
  return {
    source: await overlay(own, [new MemoryRegistry('m')]),
    writer: own,
    content: own.content,
  }
})

readerContract('the overlay over a mirror', async () => {
  const mirror = new MemoryRegistry('m')
  const source = await overlay(new MemoryRegistry(), [new MemoryRegistry('n'), mirror])
  return { source, writer: mirror, content: mirror.content }
})

uploadStoreContract('the memory upload store', async () => {
  const store = new MemoryUploadStore()
  return { store, restart: async () => new MemoryUploadStore(store.content, store.saved) }
})

durableMapContract('the memory map', async () => {
  const map = new MemoryMap()
  return { map, neighbour: new MemoryMap(), restart: async () => map }
})
