import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LocalBlocks } from '../../src/blocks/block-source.ts'
import { BlockContentStore } from '../../src/blocks/content-store.ts'
import { DiskBlockStore } from '../../src/blocks/disk-block-store.ts'
import { StateDb } from '../../src/blocks/state-db.ts'
import { PUBLISH_ALL } from '../../src/oci/publish-rules.ts'
import { DiskUploadStore } from '../../src/blocks/upload-store.ts'
import { DirectoryReader } from '../../src/tree/directory.ts'
import { Drafts } from '../../src/tree/drafts.ts'
import { Journal } from '../../src/tree/journal.ts'
import { CommitLane } from '../../src/tree/lane.ts'
import { NodeCache } from '../../src/tree/node-cache.ts'
import { TreeSource } from '../../src/tree/source.ts'
import type { CID } from 'multiformats/cid'

/** The rooms `blocks` and `tree` on a real data directory, as the daemon puts them together. */
export interface Disk extends AsyncDisposable {
  path: string
  state: StateDb
  blocks: DiskBlockStore
  contents: BlockContentStore
  uploads: DiskUploadStore
  directories: DirectoryReader
  lane: CommitLane
  source: TreeSource
  /** Roots the lane announced, oldest first. */
  roots: CID[]
}

/** Opens a data directory. Opening one that was used before is a restart. */
export async function openDisk(path: string): Promise<Disk> {
  const state = await StateDb.open(join(path, 'state'))
  const blocks = await DiskBlockStore.open(join(path, 'blocks'), state)
  const directories = new DirectoryReader(new LocalBlocks(blocks), new NodeCache())
  const roots: CID[] = []
  const lane = await CommitLane.open({
    blocks,
    reader: directories,
    journal: new Journal(state),
    onRoot: (root) => {
      roots.push(root)
      return Promise.resolve()
    },
    now: () => 1_700_000_000_000,
  })
  return {
    path,
    state,
    blocks,
    contents: new BlockContentStore(blocks),
    uploads: await DiskUploadStore.open(join(path, 'uploads'), blocks),
    directories,
    lane,
    source: new TreeSource('own', () => lane.root, directories),
    roots,
    [Symbol.asyncDispose]: async () => {
      await lane.drain()
      await blocks.close()
      await state.close()
    },
  }
}

/** Our trees as an edit has them before it. */
export function draftsOf({ directories, lane }: Disk): Drafts {
  const root = { cid: lane.root, treeSize: 0 }
  return new Drafts(directories, { public: root, private: undefined }, PUBLISH_ALL)
}

/** Takes away every block that is a file, as a careless hand does. */
export async function loseLargeBlocks(data: string): Promise<void> {
  const directory = join(data, 'blocks')
  for (const prefix of await readdir(directory)) {
    for (const file of await readdir(join(directory, prefix)))
      await rm(join(directory, prefix, file))
  }
}
