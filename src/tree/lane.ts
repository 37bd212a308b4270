import { RegistryError } from '../oci/errors.ts'
import { fileBlocks } from '../blocks/file-reader.ts'
import { encodeDirectory } from '../blocks/nodes.ts'
import { StorageError } from '../blocks/storage-error.ts'
import { BlobSearch } from './blob-search.ts'
import { ChangeWatch } from './change-watch.ts'
import { Draft } from './draft.ts'
import { DirectoryEditor } from './directory-edit.ts'
import { LinkHints } from './link-hints.ts'
import { redrawTree } from './redraw.ts'
import { TreeTransaction } from './transaction.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { DiskBlockStore } from '../blocks/disk-block-store.ts'
import type { Entry, MadeNode } from '../blocks/nodes.ts'
import type { StateWrite } from '../blocks/state-db.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Abortable, BlobFinder, RegistryWriter, Transaction } from '../registry/ports.ts'
import type { DirectoryReader } from './directory.ts'
import type { Journal, JournalEntry } from './journal.ts'
import type { Change } from './transaction.ts'
import type { CID } from 'multiformats/cid'

/** Edits that may wait; more are told to come again. */
const QUEUE_LIMIT = 4096

/** Edits that one commit takes along at most, so that the first of them is not kept waiting too long. */
const GROUP_LIMIT = 256

/** Commits of earlier lives that are read, once, for where blobs were linked. */
const HINT_COMMITS = 5000

/** What the lane works with. */
export interface LaneParts {
  blocks: Pick<DiskBlockStore, 'put' | 'link' | 'sync' | 'commit' | 'recover'> &
    Partial<Pick<DiskBlockStore, 'hold'>>
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
 * entry, and only then answers (promise I1). When that batch fails, nobody knows what is on disk. If the reason can pass
 * (a full disk), the journal is asked before the next commit; after a failed sync the lane stops until a restart.
 */
export class CommitLane implements RegistryWriter, BlobFinder {
  readonly #parts: LaneParts
  readonly #editor: DirectoryEditor
  readonly #hints: LinkHints
  readonly #search: BlobSearch
  #newest: JournalEntry | undefined
  /** `undefined` when the journal cannot tell: nothing may be taken for the tree then, least of all an empty one. */
  #root: Entry | undefined
  #queue: Job[] = []
  #running: Promise<void> | undefined
  #stopped: unknown
  #lost: unknown
  /** The last commit failed, and it is not known whether it is on disk. */
  #isUnsettled = false
  readonly #watches = new Set<ChangeWatch>()
  /** Nodes written for the commit that is being prepared; peers may have them once it is durable. */
  #nodes: CID[] = []

  private constructor(parts: LaneParts) {
    this.#parts = parts
    this.#editor = new DirectoryEditor(parts.reader, (node) => this.#putNode(node))
    this.#hints = new LinkHints(() => parts.journal.entries({ limit: HINT_COMMITS }))
    this.#search = new BlobSearch(parts.reader, this.#hints)
  }

  /**
   * Starts at the journal's newest root, or at the empty tree. Reads nothing of the tree, so it is quick. When the
   * newest entry is damaged, the one before it is served, and the lane is stopped from the beginning.
   */
  static async open(parts: LaneParts): Promise<CommitLane> {
    const lane = new CommitLane(parts)
    const { entry, damage } = await parts.journal.newest()
    lane.#newest = entry
    lane.#stopped = damage
    lane.#lost = damage
    if (entry !== undefined) lane.#root = { cid: entry.public, treeSize: 0 }
    else if (damage === undefined) lane.#root = await lane.#putEmpty()
    return lane
  }

  /**
   * Root of the tree as of the last commit.
   *
   * @throws RegistryError UNAVAILABLE when no entry of the journal can be read
   */
  get root(): CID {
    if (this.#root === undefined) throw stoppedError(this.#stopped)
    return this.#root.cid
  }

  /** Whether nothing was ever committed here. */
  get isNew(): boolean {
    return this.#newest === undefined && this.#stopped === undefined
  }

  /** Why no commits are made: a sync that failed, or a journal that lost something. */
  get stopped(): unknown {
    return this.#stopped
  }

  /** What the journal lost, so that the newest state is not known; `undefined` when it is. */
  get lost(): unknown {
    return this.#lost
  }

  /** Takes no more changes, because somebody found that the journal lost its end. */
  stop(reason: Error): void {
    this.#stopped ??= reason
    this.#lost ??= reason
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

  /**
   * Begins with a tree that is here as a whole, drawn by whomever, as the first commit. Every claim in it must have been
   * proven, for our own tree is believed. Nothing else may use the lane meanwhile.
   *
   * @returns the root; the very one that was given, unless another program than ours drew it
   * @throws what keeps the tree from being read, or the commit from being written; then nothing has begun
   */
  async begin(root: CID, options: BlockOptions = {}): Promise<CID> {
    if (!this.isNew) throw new Error('a registry begins only once')
    const { reader, blocks } = this.#parts
    const editor = new DirectoryEditor(reader, async (node) => {
      await blocks.put(node.cid, node.bytes)
      blocks.link([node.cid])
    })
    const drawn = (await redrawTree(reader, editor, root, options)) ?? (await this.#putEmpty())
    const entry = {
      sequence: 1,
      time: this.#parts.now(),
      public: drawn.cid,
      private: undefined,
      changes: [],
    }
    await this.#makeDurable(this.#parts.journal.write(entry))
    await this.#adopt(entry, drawn)
    return drawn.cid
  }

  /** Makes the tree what it was under a root of ours that is here as a whole, as a new commit. */
  restore(root: CID, options: Abortable = {}): Promise<void> {
    return this.transact((tx) => {
      if (!(tx instanceof TreeTransaction)) throw new Error('not an edit of this lane')
      tx.restore(root)
      return Promise.resolve()
    }, options)
  }

  /** Looks in the tree as of the last commit. */
  async findBlob(
    digest: Digest,
    near: RepositoryName,
    options: Parameters<BlobFinder['findBlob']>[2] = {},
  ): Promise<RepositoryName | undefined> {
    return this.#search.find(this.root, digest, near, options)
  }

  /**
   * Notes what edits do from now on, until it is disposed of. When this resolves, whatever they did before is in
   * {@link root}.
   */
  async watch(options: Abortable = {}): Promise<ChangeWatch> {
    const watch = new ChangeWatch(() => this.#watches.delete(watch))
    this.#watches.add(watch)
    try {
      await this.transact(() => Promise.resolve(), options) // what is under way comes before it
      return watch
    } catch (error) {
      watch[Symbol.dispose]()
      throw error
    }
  }

  /** Waits until everything that was queued is committed or refused. */
  async drain(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) await this.#group(this.#queue.splice(0, GROUP_LIMIT))
    this.#running = undefined
  }

  /** Commits a group of edits and answers each of them, whatever happens. */
  async #group(jobs: readonly Job[]): Promise<void> {
    using _ = this.#parts.blocks.hold?.()
    const done: Done[] = []
    try {
      await this.#settle()
      const draft = new Draft(this.#parts.reader, this.#root)
      for (const job of jobs) {
        const outcome = await this.#edit(job, draft)
        if (outcome !== undefined) done.push(outcome)
      }
      if (done.length > 0) await this.#commit(draft, done)
    } catch (error) {
      return await this.#fail(done.length > 0 ? done.map(({ job }) => job) : jobs, error)
    }
    for (const { job, result, changes } of done) {
      this.#hints.note(changes)
      job.resolve(result as never)
    }
  }

  /**
   * A group failed as a whole. When nothing is in doubt, the cause may lie in the directories of one of its edits, which
   * must not cost the others theirs: then each is tried alone.
   */
  async #fail(jobs: readonly Job[], error: unknown): Promise<void> {
    if (jobs.length > 1 && !this.#isUnsettled && this.#stopped === undefined) {
      for (const job of jobs) await this.#group([job])
    } else {
      for (const job of jobs) job.reject(error)
    }
  }

  async #edit(job: Job, draft: Draft): Promise<Done | undefined> {
    const { reader, blocks } = this.#parts
    draft.checkpoint()
    const options = { signal: job.signal }
    const tx = new TreeTransaction({ draft, source: reader.source, store: blocks, options })
    try {
      if (this.#stopped !== undefined) throw stoppedError(this.#stopped)
      job.signal?.throwIfAborted()
      const result = await job.edit(tx)
      return { job, result, changes: tx.changes, blocks: await this.#blocksOf(tx.files) }
    } catch (error) {
      draft.rollback() // whatever it was, it is this edit's alone; its caller is told
      job.reject(error)
      return undefined
    } finally {
      tx.close()
      for (const watch of this.#watches) watch.note(tx.changes) // also of one that failed: it is only looked at again
    }
  }

  async #commit(draft: Draft, done: readonly Done[]): Promise<void> {
    this.#nodes = []
    // Until all nodes are written, a failure costs nothing: the old root still stands.
    const root = (await draft.write(this.#editor)) ?? (await this.#putEmpty())
    const isChanged = this.#root === undefined || !root.cid.equals(this.#root.cid)
    const entry: JournalEntry = {
      sequence: (this.#newest?.sequence ?? 0) + 1,
      time: this.#parts.now(),
      public: root.cid,
      private: undefined,
      changes: done.flatMap((outcome) => outcome.changes),
    }
    if (isChanged)
      this.#parts.blocks.link([...this.#nodes, ...done.flatMap((outcome) => outcome.blocks)])
    // Pushing again what is there changes nothing and is no commit, but may have mended blocks.
    await this.#makeDurable(isChanged ? this.#parts.journal.write(entry) : [])
    if (isChanged) await this.#adopt(entry, root)
  }

  async #makeDurable(writes: readonly StateWrite[]): Promise<void> {
    try {
      await this.#parts.blocks.commit(writes)
    } catch (error) {
      if (error instanceof StorageError && error.passes) {
        this.#isUnsettled = true
        throw error
      }
      this.#stopped = error
      throw stoppedError(error)
    }
  }

  /** After a commit that failed: finds out whether it is on disk. */
  async #settle(): Promise<void> {
    if (!this.#isUnsettled) return
    await this.#parts.blocks.recover()
    const { entry, damage } = await this.#parts.journal.newest()
    if (damage !== undefined) {
      this.#stopped = damage
      throw stoppedError(damage)
    }
    this.#isUnsettled = false
    if (entry !== undefined && entry.sequence !== this.#newest?.sequence) {
      await this.#adopt(entry, { cid: entry.public, treeSize: 0 })
    }
  }

  async #adopt(entry: JournalEntry, root: Entry): Promise<void> {
    this.#newest = entry
    this.#root = root
    await this.#parts.onRoot(root.cid)
  }

  /** All blocks of files, since what a commit links, peers may have. */
  async #blocksOf(files: readonly CID[]): Promise<CID[]> {
    const blocks: CID[] = []
    for (const file of files) {
      for await (const cid of fileBlocks(this.#parts.reader.source, file)) blocks.push(cid)
    }
    return blocks
  }

  /** The empty tree, which is what a registry begins as. */
  async #putEmpty(): Promise<Entry> {
    const empty = encodeDirectory([])
    await this.#putNode(empty)
    return empty
  }

  async #putNode(node: MadeNode): Promise<void> {
    await this.#parts.blocks.put(node.cid, node.bytes)
    this.#nodes.push(node.cid)
  }
}

function stoppedError(cause: unknown): RegistryError {
  return new RegistryError('UNAVAILABLE', {
    message:
      'the registry takes no changes, because its disk failed or lost something; its log says what to do',
    cause,
  })
}
