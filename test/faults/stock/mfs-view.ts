import { mfs } from '@helia/mfs'
import { CID } from 'multiformats/cid'
import { MissingBlockError } from '../../../src/blocks/block-store.ts'
import { mfsBlocks } from '../../../src/ipfs/mfs-stores.ts'
import type { MFS } from '@helia/mfs'
import type { BlockSource } from '../../../src/blocks/block-source.ts'
import type { Entry } from '../../../src/blocks/nodes.ts'
import type { DirectoryReader } from '../../../src/tree/directory.ts'
import type { Path } from '../../../src/tree/layout.ts'
import type { TreeView } from '../../../src/tree/view.ts'

type MfsStores = Parameters<typeof mfs>[0]

/** A tree whose paths @helia/mfs finds, and what it says is not there is not there. */
export class RootView implements TreeView {
  readonly root: CID
  readonly #fs: MFS
  readonly #below: string

  constructor(root: CID, reader: DirectoryReader, below = '') {
    this.root = root
    this.#below = below
    this.#fs = mfs(storesOf(root, reader.source), {})
    this.below = (path) => Promise.resolve(new RootView(root, reader, this.#at(path)))
  }

  below: TreeView['below']

  async file(path: Path): Promise<Entry | undefined> {
    const found = await ifThere(this.#fs.stat(this.#at(path)))
    if (found === undefined) return undefined
    const cid = CID.decode(found.cid.bytes)
    return { cid, treeSize: Number(found.fileSize) }
  }

  async names(path: Path): Promise<readonly string[] | undefined> {
    const entries = await ifThere(Array.fromAsync(this.#fs.ls(this.#at(path))))
    return entries?.map(({ name }) => name).toSorted()
  }

  #at(path: Path): string {
    return [this.#below, ...path].join('/')
  }
}

async function ifThere<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking
  } catch (error) {
    if (error instanceof Error && ['DoesNotExistError', 'NotFoundError'].includes(error.name))
      return undefined
    throw error
  }
}

/** A block that cannot be had is `undefined` here, for which MFS gets the error of blockstore-fs. */
function asStock(error: unknown): undefined {
  if (error instanceof MissingBlockError) return undefined
  throw error
}

/** Its root is this one, and nothing is written. */
function storesOf(root: CID, source: BlockSource): MfsStores {
  const blockstore = mfsBlocks({
    get: (cid, options) => source.get(cid, options).catch(asStock),
    has: () => Promise.resolve(true),
    size: (cid, options) => source.size(cid, options),
    put: () => Promise.resolve(),
    sync: () => Promise.resolve(),
  })
  const pointer: Pick<MfsStores['datastore'], 'get'> = { get: () => Promise.resolve(root.bytes) }
  return { blockstore, datastore: pointer as MfsStores['datastore'] }
}
