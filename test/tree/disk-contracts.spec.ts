import { FetchedBlocks, LocalBlocks } from '../../src/blocks/block-source.ts'
import { DirectoryReader } from '../../src/tree/directory.ts'
import { NodeCache } from '../../src/tree/node-cache.ts'
import { TreeSource } from '../../src/tree/source.ts'
import { durableMapContract } from '../contracts/durable-map-contract.ts'
import { readerContract } from '../contracts/reader-contract.ts'
import { uploadStoreContract } from '../contracts/upload-store-contract.ts'
import { writerContract } from '../contracts/writer-contract.ts'
import { openDisk } from '../support/disk.ts'
import { MemoryBlocks } from '../support/memory-blocks.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { Disk } from '../support/disk.ts'

/** A data directory that can be closed and opened again, and is removed at the end. */
async function restartable(): Promise<{
  disk: () => Disk
  restart(): Promise<Disk>
  close(): Promise<void>
}> {
  const directory = await temporaryDirectory()
  let disk = await openDisk(directory.path)
  return {
    disk: () => disk,
    restart: async () => {
      await disk[Symbol.asyncDispose]()
      disk = await openDisk(directory.path)
      return disk
    },
    close: async () => {
      await disk[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

async function onDisk() {
  const { disk, close } = await restartable()
  const { source, lane, contents } = disk()
  return { source, writer: lane, content: contents, close }
}

readerContract('the tree on disk', onDisk)
writerContract('the commit lane', onDisk)

readerContract("a mirror's tree, fetched block by block", async () => {
  const { source, writer, content, disk, close } = await (async () => {
    const opened = await restartable()
    const { source: own, lane, contents } = opened.disk()
    return { ...opened, source: own, writer: lane, content: contents }
  })()
  const remote = new LocalBlocks(disk().blocks)
  const blocks = new FetchedBlocks(new MemoryBlocks(), (cid) => remote.get(cid))
  const directories = new DirectoryReader(blocks, new NodeCache())
  const mirror = new TreeSource(`mirror of ${source.name}`, () => disk().lane.root, directories)
  return { source: mirror, writer, content, close }
})

uploadStoreContract('the upload store on disk', async () => {
  const { disk, restart, close } = await restartable()
  return { store: disk().uploads, restart: async () => (await restart()).uploads, close }
})

durableMapContract('the state database', async () => {
  const { disk, restart, close } = await restartable()
  const restarted = async () => (await restart()).state.map('one')
  return {
    map: disk().state.map('one'),
    neighbour: disk().state.map('two'),
    restart: restarted,
    close,
  }
})
