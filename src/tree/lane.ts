import { RegistryError } from '../oci/errors.ts'
import { encodeDirectory } from '../blocks/nodes.ts'
import { StorageError } from '../blocks/storage-error.ts'
import { BlobSearch } from './blob-search.ts'
import { ChangeWatch } from './change-watch.ts'
import { Drafts, entriesOf } from './drafts.ts'
import { DirectoryEditor } from './directory-edit.ts'
import { LinkHints } from './link-hints.ts'
import { lostEnd } from './lost-end.ts'
import { PUBLISH_ALL } from '../oci/publish-rules.ts'
import { blocksOf, marksOf } from './commit-marks.ts'
import { NodeWrites } from './node-writes.ts'
import { newBlocks } from './reach.ts'
import { redrawTree } from './redraw.ts'
import { stoppedError } from './stopped.ts'
import { TreeTransaction, ours } from './transaction.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { LinkMarks } from '../blocks/link-marks.ts'
import type { Entry, MadeNode } from '../blocks/nodes.ts'
import type { StateWrite } from '../blocks/state-db.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Abortable, BlobFinder, RegistryWriter, Transaction } from '../registry/ports.ts'
import type { LaneParts } from './lane-parts.ts'
import type { PublishRules } from '../oci/publish-rules.ts'
import type { Roots } from './own-source.ts'
import type { JournalEntry } from './journal.ts'
import type { Change } from './transaction.ts'
import type { CID } from 'multiformats/cid'

/** Edits that may wait; more are told to come again. */
const QUEUE_LIMIT = 4096

/** Edits that one commit takes along at most, so that the first of them is not kept waiting too long. */
const GROUP_LIMIT = 256

/** Commits of earlier lives that are read, once, for where blobs were linked. */
const HINT_COMMITS = 5000

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
  /** All blocks of the files that it linked in the published tree. */
  blocks: readonly CID[]
  tx: TreeTransaction
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
  readonly #writes: NodeWrites
  /** Writes directories of the published tree; the other one, those of the other. */
  readonly #editor: DirectoryEditor
  readonly #privateEditor: DirectoryEditor
  readonly #rules: PublishRules
  readonly #hints: LinkHints
  readonly #search: BlobSearch
  #newest: JournalEntry | undefined
  /** `undefined` when the journal cannot tell: nothing may be taken for the tree then, least of all an empty one. */
  #root: Entry | undefined
  /** Of the tree that is not published; `undefined` while it is empty. */
  #private: Entry | undefined
  #queue: Job[] = []
  #running: Promise<void> | undefined
  #stopped: unknown
  #lost: unknown
  /** The last commit failed, and it is not known whether it is on disk. */
  #isUnsettled = false
  readonly #watches = new Set<ChangeWatch>()
  /** Nodes of the published tree, written for the commit that is being prepared; peers may have them once it is durable. */
  #nodes: CID[] = []

  private constructor(parts: LaneParts) {
    this.#parts = parts
    this.#rules = parts.rules ?? PUBLISH_ALL
    this.#writes = new NodeWrites(parts.blocks, parts.reader)
    this.#editor = new DirectoryEditor(parts.reader, (node) => this.#putNode(node))
    this.#privateEditor = new DirectoryEditor(parts.reader, (node) => this.#writes.put(node))
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
    if (entry !== undefined) lane.#set(entry)
    else if (damage === undefined) lane.#root = await lane.#writes.whole(() => lane.#putEmpty())
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

  /** Roots of both trees, of one commit. @throws as {@link root} */
  get roots(): Roots {
    return { public: this.root, private: this.#private?.cid }
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
    const drawn = await this.#writes.whole(
      async () =>
        (await redrawTree(reader, this.#privateEditor, root, options)) ?? (await this.#putEmpty()),
    )
    const entry = {
      sequence: 1,
      time: this.#parts.now(),
      public: drawn.cid,
      private: undefined,
      changes: [],
    }
    for await (const cid of newBlocks(this.#read, drawn.cid, undefined, options)) blocks.link([cid])
    await this.#makeDurable(this.#parts.journal.write(entry))
    await this.#adopt(entry, true)
    return drawn.cid
  }

  /**
   * Makes both trees what they were after a commit that is here as a whole, as a new commit.
   *
   * @param options `check`: runs inside the lane; if it throws, nothing changes
   */
  restore(roots: Roots, options: Abortable & { check?: () => void } = {}): Promise<void> {
    return this.transact(async (tx) => {
      options.check?.()
      await ours(tx).restore(roots)
    }, options)
  }

  /** Moves each repository into the tree that the rules want it in, as one commit. @returns how many moved */
  arrange(options: Abortable = {}): Promise<number> {
    return this.transact((tx) => ours(tx).arrange(), options)
  }

  /**
   * Looks in the trees as of the last commit. What is not published is never found for a repository that is: its bytes
   * would be published without anybody having named where they are from.
   */
  async findBlob(
    digest: Digest,
    near: RepositoryName,
    options: Parameters<BlobFinder['findBlob']>[2] = {},
  ): Promise<RepositoryName | undefined> {
    const { public: published, private: others } = this.roots
    const half = this.#rules.isPublished(near) ? undefined : others
    const found = half && (await this.#search.find(half, digest, near, options))
    return found ?? this.#search.find(published, digest, near, options)
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
  drain(): Promise<void> {
    return this.#running ?? Promise.resolve()
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
      const before = { public: this.#root, private: this.#private }
      const drafts = new Drafts(this.#parts.reader, before, this.#rules)
      for (const job of jobs) {
        const outcome = await this.#edit(job, drafts)
        if (outcome !== undefined) done.push(outcome)
      }
      if (done.length > 0) await this.#commit(drafts, done)
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

  async #edit(job: Job, drafts: Drafts): Promise<Done | undefined> {
    const { reader, blocks } = this.#parts
    drafts.checkpoint()
    const options = { signal: job.signal }
    const tx = new TreeTransaction({ drafts, source: reader.source, store: blocks, options })
    try {
      if (this.#stopped !== undefined) throw stoppedError(this.#stopped)
      job.signal?.throwIfAborted()
      const result = await job.edit(tx)
      return {
        job,
        result,
        tx,
        changes: tx.changes,
        blocks: await blocksOf(this.#parts.reader.source, tx.files),
      }
    } catch (error) {
      drafts.rollback() // whatever it was, it is this edit's alone; its caller is told
      job.reject(error)
      return undefined
    } finally {
      tx.close()
      for (const watch of this.#watches) watch.note(tx.changes) // also of one that failed: it is only looked at again
    }
  }

  async #commit(drafts: Drafts, done: readonly Done[]): Promise<void> {
    this.#nodes = []
    // Until all nodes are written, a failure costs nothing: the old roots still stand.
    const { root, hidden } = await this.#writes.whole(async () => ({
      root: (await drafts.public.write(this.#editor)) ?? (await this.#putEmpty()),
      hidden: await drafts.private.write(this.#privateEditor),
    }))
    const isPublic = this.#root === undefined || !root.cid.equals(this.#root.cid)
    // Pushing again what is there changes nothing and is no commit, but may have mended blocks.
    if (!isPublic && hidden?.cid.toString() === this.#private?.cid.toString())
      return this.#makeDurable([])
    const entry: JournalEntry = {
      sequence: (this.#newest?.sequence ?? 0) + 1,
      time: this.#parts.now(),
      public: root.cid,
      private: hidden?.cid,
      changes: done.flatMap((outcome) => outcome.changes),
    }
    const isFirst = this.#newest === undefined
    const marks = isPublic || isFirst ? await this.#marks(root.cid, hidden?.cid, done) : undefined
    await this.#makeDurable(this.#parts.journal.write(entry), marks)
    await this.#adopt(entry, isPublic)
  }

  #marks(root: CID, hidden: CID | undefined, done: readonly Done[]): Promise<LinkMarks> {
    const written = [...this.#nodes, ...done.flatMap(({ blocks }) => blocks)]
    const change = {
      before: this.#root?.cid,
      root,
      hidden,
      history: this.#parts.journal.readable(),
      written,
      edits: done.map(({ tx }) => tx),
    }
    return marksOf({ read: this.#read, ...change })
  }

  readonly #read = (cid: CID): Promise<Uint8Array> => this.#parts.reader.source.get(cid)

  async #makeDurable(writes: readonly StateWrite[], marks?: LinkMarks): Promise<void> {
    try {
      await this.#parts.blocks.commit(writes, marks)
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
    const [found, known] = [entry?.sequence ?? 0, this.#newest?.sequence ?? 0]
    const loss = damage ?? (found < known ? lostEnd(`commit ${known}`) : undefined)
    if (loss !== undefined) this.stop(loss)
    if (loss !== undefined) throw stoppedError(loss)
    this.#isUnsettled = false
    if (entry !== undefined && found !== known) await this.#adopt(entry, true)
  }

  async #adopt(entry: JournalEntry, isPublic: boolean): Promise<void> {
    this.#newest = entry
    this.#set(entry)
    const { onCommit, onRoot } = this.#parts
    await Promise.all([onCommit?.(entry), isPublic ? onRoot(entry.public) : undefined])
  }

  #set(entry: JournalEntry): void {
    ;({ public: this.#root, private: this.#private } = entriesOf(entry))
  }

  /** The empty tree, which is what a registry begins as. */
  async #putEmpty(): Promise<Entry> {
    const empty = encodeDirectory([])
    await this.#putNode(empty)
    return empty
  }

  async #putNode(node: MadeNode): Promise<void> {
    await this.#writes.put(node)
    this.#nodes.push(node.cid)
  }
}
