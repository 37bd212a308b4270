import { join } from 'node:path'
import { mfs } from '@helia/mfs'
import { Key } from 'interface-datastore'
import { CID } from 'multiformats/cid'
import { storageError } from '../../../src/blocks/storage-error.ts'
import { openDatastore, syncDatastore } from '../../../src/ipfs/datastore.ts'
import { PUBLISH_ALL } from '../../../src/oci/publish-rules.ts'
import { ChangeWatch } from '../../../src/tree/change-watch.ts'
import { TreeTransaction } from '../../../src/tree/transaction.ts'
import { MfsTurns } from './mfs-turns.ts'
import { mfsStores } from './mfs-stores.ts'
import { place } from './place.ts'
import { RecordedDrafts } from './recorded-drafts.ts'
import type { MFS } from '@helia/mfs'
import type { LevelDatastore } from 'datastore-level'
import type { RepositoryName } from '../../../src/oci/name.ts'
import type { Abortable, Transaction } from '../../../src/registry/ports.ts'
import type { BlockStore } from '../../../src/blocks/block-store.ts'
import type { CommitLane as OurLane } from '../../../src/tree/lane.ts'
import type { LaneParts } from '../../../src/tree/lane-parts.ts'
import type { Roots } from '../../../src/tree/own-source.ts'
import type { PathChange } from './recorded-drafts.ts'

type Face = Pick<OurLane, keyof OurLane>

/** Where it keeps its root. */
const ROOT_KEY = '/local/filesroot'

/**
 * @helia/mfs in the place of the commit lane, the directory editor and the journal: an edit is what it puts and removes,
 * path by path, and the root is what MFS says. What our lane does besides (history, repositories that are not
 * published, marks for peers) is not here.
 */
export class CommitLane implements Face {
  readonly stopped = undefined
  readonly lost = undefined
  readonly #parts: LaneParts
  readonly #datastore: LevelDatastore
  readonly #mfs: MFS
  readonly #turns = new MfsTurns()
  #root: CID
  #isNew: boolean

  private constructor(parts: LaneParts, datastore: LevelDatastore, opened: Opened) {
    this.#parts = parts
    this.#datastore = datastore
    this.#mfs = opened.fs
    this.#root = opened.root
    this.#isNew = opened.isNew
  }

  static async open(parts: LaneParts): Promise<CommitLane> {
    const datastore = await openDatastore(join(place.path, 'mfs'))
    await syncDatastore(datastore) // the database itself is safe; what becomes of the root in it is the question
    const isNew = !(await datastore.has(new Key(ROOT_KEY)))
    const blocks = parts.blocks as BlockStore & LaneParts['blocks']
    const fs = mfs(mfsStores(blocks, datastore), { key: ROOT_KEY })
    return new CommitLane(parts, datastore, { fs, isNew, root: await rootOf(fs) })
  }

  get root(): CID {
    return this.#root
  }

  get roots(): Roots {
    return { public: this.#root, private: undefined }
  }

  get isNew(): boolean {
    return this.#isNew
  }

  /** It has nothing to compare its root with. */
  stop(): void {}

  transact<T>(edit: (tx: Transaction) => Promise<T>, options: Abortable = {}): Promise<T> {
    return this.#turns.take(() => this.#transact(edit, options))
  }

  begin(): Promise<CID> {
    return Promise.reject(new Error('not in a stock part'))
  }

  restore(): Promise<void> {
    return Promise.reject(new Error('not in a stock part'))
  }

  arrange(): Promise<number> {
    return Promise.resolve(0)
  }

  findBlob(): Promise<RepositoryName | undefined> {
    return Promise.resolve(undefined)
  }

  watch(): Promise<ChangeWatch> {
    return Promise.resolve(new ChangeWatch(() => undefined))
  }

  async drain(): Promise<void> {
    await this.#turns.idle()
    await this.#datastore.close()
  }

  async #transact<T>(edit: (tx: Transaction) => Promise<T>, { signal }: Abortable): Promise<T> {
    const { reader, blocks, rules = PUBLISH_ALL } = this.#parts
    const options = { signal }
    const drafts = new RecordedDrafts(reader, { cid: this.#root, treeSize: 0 }, rules)
    const tx = new TreeTransaction({ drafts, source: reader.source, store: blocks, options })
    try {
      const result = await edit(tx)
      await blocks.sync()
      for (const change of drafts.public.changes) await this.#apply(change)
      this.#isNew = false
      await this.#parts.onRoot(this.#root)
      return result
    } finally {
      tx.close()
    }
  }

  async #apply({ path, file }: PathChange): Promise<void> {
    const text = `/${path.join('/')}`
    try {
      if (file !== undefined) await this.#mfs.cp(file.cid, text, { force: true })
      else await this.#mfs.rm(text).catch(ignoreMissing)
      this.#root = await rootOf(this.#mfs)
    } catch (error) {
      // As with blockstore-fs: an answer 500 would end every campaign before it looks at the data.
      throw storageError(text, error)
    }
  }
}

interface Opened {
  readonly fs: MFS
  readonly root: CID
  readonly isNew: boolean
}

async function rootOf(fs: MFS): Promise<CID> {
  return CID.decode((await fs.stat('/')).cid.bytes)
}

function ignoreMissing(error: unknown): void {
  if (error instanceof Error && error.name === 'DoesNotExistError') return
  throw error
}
