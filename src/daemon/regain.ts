import { encodeDirectory } from '../blocks/nodes.ts'
import { forgetMfsRoot } from '../ipfs/mfs-pointer.ts'
import { Notes } from '../ipfs/notes.ts'
import { loadPublisherState, savePublisherState } from '../naming/publisher-state.ts'
import { isDamage } from '../tree/damage.ts'
import { newBlocks } from '../tree/reach.ts'
import { forgetArrangement } from './arrangement.ts'
import { lostCommit } from './find-loss.ts'
import { clearLoss } from './loss-mark.ts'
import { forgetNewest, noteNewest } from './newest-note.ts'
import { inTwoBooks, namesInBooks } from './publisher-book.ts'
import type { LevelDatastore } from 'datastore-level'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { CheckedBlocks } from '../blocks/checked-blocks.ts'
import type { DataDirectory } from './data-directory.ts'
import type { PublisherState } from '../naming/publisher-state.ts'
import type { DurableMap } from '../registry/ports.ts'
import type { NotedCommit } from './newest-note.ts'
import type { Storage } from './storage.ts'
import type { CID } from 'multiformats/cid'

/** Blocks that are noted as linked at once. */
const BATCH = 4096

/** What is left of a directory that cannot be read. */
const NOTHING = encodeDirectory([]).bytes

/** What a {@link LostEnd} works with. */
export interface LostEndParts {
  readonly directory: DataDirectory
  readonly storage: Pick<Storage, 'blocks' | 'journal' | 'lane' | 'state'>
  /** The other database; `undefined` where there is none. */
  readonly datastore: LevelDatastore | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * The two ways on from a journal that lost its end. Both end with a registry that the next start takes for sound, and
 * both are done when the mark of the loss goes, at last: one that is interrupted is still read-only.
 */
export class LostEnd {
  readonly #parts: LostEndParts
  readonly #notes: Notes | undefined
  #isOver = false

  constructor(parts: LostEndParts) {
    this.#parts = parts
    this.#notes = parts.datastore && new Notes(parts.datastore)
  }

  /** What was lost and is not settled yet. */
  get loss(): Error | undefined {
    const { lost } = this.#parts.storage.lane
    return this.#isOver || !(lost instanceof Error) ? undefined : lost
  }

  /** The commit that can be brought back, as far as its blocks are to be had. */
  commit(): Promise<NotedCommit | undefined> {
    return lostCommit(this.#parts)
  }

  /** The newest commit that the journal still has. */
  async left(): Promise<NotedCommit | undefined> {
    return (await this.#parts.storage.journal.newest()).entry
  }

  /**
   * Makes a commit the journal's newest again, whose trees are whole but for contents. What others knew of it goes on to be
   * so: peers may have what is in its published tree.
   */
  async regain(commit: NotedCommit, blocks: CheckedBlocks, options: BlockOptions): Promise<void> {
    const { storage } = this.#parts
    await this.#link(commit.public, blocks, options)
    const root = { root: commit.public.toString(), private: commit.private?.toString() }
    const changes = [{ action: 'rollback', ...root }] as const
    const { time, public: published, private: hidden } = commit
    const entry = { time, public: published, private: hidden, changes }
    await storage.blocks.commit(await storage.journal.replaceEnd(entry))
    await this.#settle()
  }

  /** Goes on from what is left. */
  async accept(): Promise<void> {
    const { storage } = this.#parts
    await storage.blocks.commit(await storage.journal.replaceEnd())
    await this.#settle()
  }

  async #settle(): Promise<void> {
    const { directory, datastore, storage } = this.#parts
    await this.#raiseSequences()
    if (datastore !== undefined) await forgetMfsRoot(datastore)
    if (this.#notes !== undefined) await this.#note(this.#notes)
    await forgetArrangement(storage.state) // what moved a repository may be among what is lost
    await clearLoss(directory)
    this.#isOver = true
  }

  async #note(notes: Notes): Promise<void> {
    const newest = await this.left()
    if (newest === undefined) await forgetNewest(notes)
    else await noteNewest(notes, newest)
  }

  async #link(root: CID, blocks: CheckedBlocks, options: BlockOptions): Promise<void> {
    const { blocks: store } = this.#parts.storage
    const read = async (cid: CID): Promise<Uint8Array> => {
      try {
        return await blocks.get(cid, options)
      } catch (error) {
        if (!isDamage(error)) throw error
        return NOTHING // a content that is told of by itself
      }
    }
    let batch: CID[] = []
    const write = async (): Promise<void> => {
      store.link(batch)
      batch = []
      await store.sync()
    }
    for await (const cid of newBlocks(read, root, undefined, options)) {
      batch.push(cid)
      if (batch.length >= BATCH) await write()
    }
    await write()
  }

  /**
   * Which sequence of the name was used last may be lost as well. Nobody published every millisecond since 1970, so that is
   * where it goes on: above whatever was used (promise I6).
   */
  async #raiseSequences(): Promise<void> {
    const map = this.#parts.storage.state.map('publisher')
    const book = this.#notes === undefined ? map : inTwoBooks(map, this.#notes)
    const now = BigInt(this.#parts.now())
    for (const name of await namesInBooks(map, this.#notes)) {
      const { sequence, value, conflict } = await readable(book, name)
      const raised = { sequence: sequence > now ? sequence : now, value, confirmed: true, conflict }
      await savePublisherState(book, name, raised)
    }
  }
}

/** What was published last. Where that is damaged too, its place says nothing. */
async function readable(book: Pick<DurableMap, 'get'>, name: string): Promise<PublisherState> {
  const bytes = await book.get(name)
  try {
    return await loadPublisherState({ get: () => Promise.resolve(bytes) }, name)
  } catch {
    return { sequence: 0n, value: '', confirmed: true } // whatever the schema finds wrong with it
  }
}
