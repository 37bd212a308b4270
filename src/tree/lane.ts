import { RegistryError } from '../oci/errors.ts'
import { fileBlocks } from '../blocks/file-reader.ts'
import { encodeDirectory } from '../blocks/nodes.ts'
import { Draft } from './draft.ts'
import { DirectoryEditor } from './directory-edit.ts'
import { TreeTransaction } from './transaction.ts'
import type { DiskBlockStore } from '../blocks/disk-block-store.ts'
import type { Entry, MadeNode } from '../blocks/nodes.ts'
import type { Abortable, RegistryWriter, Transaction } from '../registry/ports.ts'
import type { DirectoryReader } from './directory.ts'
import type { Journal, JournalEntry } from './journal.ts'
import type { Change } from './transaction.ts'
import type { CID } from 'multiformats/cid'

/** Edits that may wait; more are told to come again. */
const QUEUE_LIMIT = 4096

/** Edits that one commit takes along at most, so that the first of them is not kept waiting too long. */
const GROUP_LIMIT = 256

/** What the lane works with. */
export interface LaneParts {
  blocks: Pick<DiskBlockStore, 'put' | 'link' | 'sync' | 'commit'>
  /** Reads our own tree. */
  reader: DirectoryReader
  journal: Journal
  /**
   * Told of each new root when it is durable, before those who wait for it are answered. It must not fail: whatever
   * follows from a new root can be done again from the journal.
   */
  onRoot: (root: CID) => Promise<void>
  now: () => number
}

interface Job {
  edit: (tx: Transaction) => Promise<unknown>
  signal: AbortSignal | undefined
  resolve: (value: never) => void
  reject: (error: unknown) => void
}

/** An edit that ran and waits for its commit. */
interface Done {
  job: Job
  result: unknown
  changes: readonly Change[]
  /** All blocks of the files that it linked. */
  blocks: readonly CID[]
}

/**
 * The one way to change our tree (promise I2). Edits queue; one commit is in flight; all that queued meanwhile become
 * the next one. An edit runs inside the lane, on the tree as it will be, so nothing changes between its checks and its
 * changes; one that fails is taken back alone.
 *
 * A commit writes each touched directory once, bottom-up, makes everything durable in one synced batch with the journal
 * entry, and only then answers (promise I1). When that batch fails, nobody can know what is on disk: the lane stops
 * until a restart reads the journal.
 */
export class CommitLane implements RegistryWriter {
  readonly #parts: LaneParts
  readonly #editor: DirectoryEditor
  #newest: JournalEntry | undefined
  #root: Entry
  #queue: Job[] = []
  #running: Promise<void> | undefined
  #stopped: unknown

  private constructor(parts: LaneParts, newest: JournalEntry | undefined, root: Entry) {
    this.#parts = parts
    this.#editor = new DirectoryEditor(parts.reader, (node) => putNode(parts.blocks, node))
    this.#newest = newest
    this.#root = root
  }

  /**
   * Starts at the journal's newest root, or at the empty tree. Reads nothing of the tree, so it is quick. When the
   * newest entry is damaged, the one before it is served, and the lane is stopped from the beginning.
   */
  static async open(parts: LaneParts): Promise<CommitLane> {
    const { entry, damage } = await parts.journal.newest()
    const empty = await putEmpty(parts.blocks)
    const root = entry === undefined ? empty : { cid: entry.public, treeSize: 0 }
    const lane = new CommitLane(parts, entry, root)
    lane.#stopped = damage
    return lane
  }

  /** Root of the tree as of the last commit. */
  get root(): CID {
    return this.#root.cid
  }

  /** Whether nothing was ever committed here. */
  get isNew(): boolean {
    return this.#newest === undefined
  }

  /** Why no commits are made: a sync that failed, or a damaged journal. */
  get stopped(): unknown {
    return this.#stopped
  }

  transact<T>(edit: (tx: Transaction) => Promise<T>, options: Abortable = {}): Promise<T> {
    if (this.#stopped !== undefined) return Promise.reject(stoppedError(this.#stopped))
    if (this.#queue.length >= QUEUE_LIMIT) {
      return Promise.reject(
        new RegistryError('TOOMANYREQUESTS', {
          message: 'too many changes are waiting to be written',
          headers: { 'Retry-After': '1' },
        }),
      )
    }
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ edit, signal: options.signal, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Waits until everything that was queued is committed or refused. */
  async drain(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const group = this.#queue.splice(0, GROUP_LIMIT)
      const done: Done[] = []
      try {
        await this.#commit(group, done)
      } catch (error) {
        for (const { job } of done) job.reject(error)
      }
    }
    this.#running = undefined
  }

  async #commit(group: readonly Job[], done: Done[]): Promise<void> {
    const draft = new Draft(this.#parts.reader, this.#root)
    for (const job of group) {
      const outcome = await this.#edit(job, draft)
      if (outcome !== undefined) done.push(outcome)
    }
    if (done.some((outcome) => outcome.changes.length > 0)) await this.#write(draft, done)
    for (const { job, result } of done) job.resolve(result as never)
  }

  async #edit(job: Job, draft: Draft): Promise<Done | undefined> {
    const { reader, blocks } = this.#parts
    draft.checkpoint()
    try {
      if (this.#stopped !== undefined) throw stoppedError(this.#stopped)
      job.signal?.throwIfAborted()
      const options = { signal: job.signal }
      const tx = new TreeTransaction({ draft, source: reader.source, store: blocks, options })
      const result = await job.edit(tx)
      return { job, result, changes: tx.changes, blocks: await this.#blocksOf(tx.files) }
    } catch (error) {
      draft.rollback() // whatever it was, it is this edit's alone; its caller is told
      job.reject(error)
      return undefined
    }
  }

  async #write(draft: Draft, done: readonly Done[]): Promise<void> {
    // Until here and through the writing of nodes, a failure costs only this group: the old root still stands.
    const root = (await draft.write(this.#editor)) ?? (await putEmpty(this.#parts.blocks))
    // Pushing again what is there changes nothing, but may have mended blocks.
    if (root.cid.equals(this.#root.cid)) return this.#parts.blocks.sync()
    const entry: JournalEntry = {
      sequence: (this.#newest?.sequence ?? 0) + 1,
      time: this.#parts.now(),
      public: root.cid,
      private: undefined,
      changes: done.flatMap((outcome) => outcome.changes),
    }
    this.#parts.blocks.link(done.flatMap((outcome) => outcome.blocks))
    try {
      await this.#parts.blocks.commit([this.#parts.journal.write(entry)])
    } catch (error) {
      this.#stopped = error
      throw stoppedError(error)
    }
    this.#newest = entry
    this.#root = root
    await this.#parts.onRoot(root.cid)
  }

  /** What a commit links, peers may have: tree nodes are marked as they are written, files with all their blocks here. */
  async #blocksOf(files: readonly CID[]): Promise<CID[]> {
    const blocks: CID[] = []
    for (const file of files) {
      for await (const cid of fileBlocks(this.#parts.reader.source, file)) blocks.push(cid)
    }
    return blocks
  }
}

/** The empty tree, which is what a registry begins as. */
async function putEmpty(blocks: LaneParts['blocks']): Promise<Entry> {
  const empty = encodeDirectory([])
  await putNode(blocks, empty)
  return empty
}

async function putNode(blocks: LaneParts['blocks'], node: MadeNode): Promise<void> {
  await blocks.put(node.cid, node.bytes)
  blocks.link([node.cid])
}

function stoppedError(cause: unknown): RegistryError {
  return new RegistryError('UNAVAILABLE', {
    message: 'the registry takes no changes, because its disk failed; its log says what to do',
    cause,
  })
}
