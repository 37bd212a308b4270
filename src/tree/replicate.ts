import { fileSize } from '../blocks/file-reader.ts'
import { Gate, eachOf } from '../blocks/gate.ts'
import { gatherFile } from '../blocks/gather-file.ts'
import { DirectoryReader } from './directory.ts'
import { LINK_MAX_BYTES, layout } from './layout.ts'
import { LayoutWalk } from './layout-walk.ts'
import { NodeCache } from './node-cache.ts'
import { rootPlace } from './places.ts'
import { replicateBlob } from './replica-blob.ts'
import { FalseClaimError, ReplicaProblems } from './replica-problems.ts'
import { RootView } from './view.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { KeptBlocks } from '../blocks/kept-blocks.ts'
import type { Entry } from '../blocks/nodes.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositorySet } from '../oci/repository-pattern.ts'
import type { WalkInit } from './layout-walk.ts'
import type { BlobParts, Claims } from './replica-blob.ts'
import type { CID } from 'multiformats/cid'

/** Blocks fetched at once: half of what goes over the wire at a time, so that pulls always find the other half free. */
const FETCHES = 16
/** Blobs worked on at once; most are small, and each waits for a round trip. */
const BLOBS = 16
/** Blobs hashed at once: it takes the processor, which clients need too. */
const HASHES = 2

/** Blobs that the allowed repositories of one mirror may link, when they are not all; they are held in memory. */
const MAX_LINKED = 1_000_000

/** How far a replication is: what differs from the tree that was complete before. Bytes are those of the blobs. */
export interface ReplicaProgress {
  blobsDone: number
  blobsTotal: number
  bytesDone: number
  bytesTotal: number
}

/** What a tree is replicated with. */
export interface ReplicaParts {
  /** Brings blocks, and keeps them. */
  readonly blocks: KeptBlocks
  /** Reads the tree that was complete before, from this disk alone. */
  readonly before: DirectoryReader
  readonly claims: Claims
  /** The repositories that are wanted. */
  readonly repositories: RepositorySet
  /** Largest blob that is taken, in bytes. */
  readonly blobLimit: number
  /** Told of each part of the tree that is not what it claims. */
  readonly onFalse?: ((error: FalseClaimError) => void) | undefined
}

/**
 * Brings a whole tree to this disk: the nodes first, so that everything can at least be listed and asked for, then
 * the blobs. With all repositories that is everything under the root that has a place in the layout; with some of them,
 * those and the blobs they link. What was complete under `before` is not looked at again.
 *
 * Whatever can be had is fetched before it fails. It may be run again at any time, and goes on where it stopped.
 *
 * @param progress is kept up to date
 * @throws ReplicationError when the tree is not complete; the disk's error; the signal's reason
 */
export async function replicateTree(
  parts: ReplicaParts,
  trees: { root: CID; before: CID | undefined },
  progress: ReplicaProgress,
  options: BlockOptions = {},
): Promise<void> {
  Object.assign(progress, { blobsDone: 0, blobsTotal: 0, bytesDone: 0, bytesTotal: 0 })
  await new Replication(parts, trees, progress, options).run()
}

type OnBlob = (digest: Digest, file: Entry) => Promise<void>

class Replication {
  readonly #parts: ReplicaParts
  readonly #blobParts: BlobParts
  readonly #trees: { root: CID; before: CID | undefined }
  readonly #progress: ReplicaProgress
  readonly #options: BlockOptions
  readonly #reader: DirectoryReader
  readonly #problems = new ReplicaProblems()
  /** The blobs that the wanted repositories link; not needed when all of `blobs/` is wanted. */
  readonly #linked = new Set<Digest>()

  constructor(
    parts: ReplicaParts,
    trees: { root: CID; before: CID | undefined },
    progress: ReplicaProgress,
    options: BlockOptions,
  ) {
    this.#parts = parts
    this.#trees = trees
    this.#progress = progress
    this.#options = options
    const gates = { fetching: new Gate(FETCHES), hashing: new Gate(HASHES) }
    this.#blobParts = { ...parts, ...gates }
    // No cache: a node in memory may not be on the disk.
    this.#reader = new DirectoryReader(parts.blocks, new NodeCache(0))
  }

  async run(): Promise<void> {
    const { repositories } = this.#parts
    const note = (error: unknown): void => this.#problems.note(error)
    await this.#walk(rootPlace(repositories, repositories.isAll), {
      onLink: (linked, file) => this.#attempt(() => this.#link(linked, file)),
      onData: (_, file) => this.#count(file),
      onUnreadable: note,
    })
    if (!repositories.isAll) {
      await this.#walk(rootPlace(undefined, true), {
        onlyChanged: true,
        onData: (digest, _, old) => this.#replaced(digest, old),
        onUnreadable: note,
      })
      await this.#eachLinked((_, file) => this.#count(file))
    }
    await this.#eachBlob((digest, file) => this.#attempt(() => this.#blob(digest, file)))
    this.#problems.throwIfAny()
  }

  #walk(place: ReturnType<typeof rootPlace>, what: Partial<WalkInit>): Promise<void> {
    const { root, before } = this.#trees
    const walk = new LayoutWalk(
      {
        reader: this.#reader,
        before: this.#parts.before,
        onData: () => Promise.resolve(),
        onLink: () => Promise.resolve(),
        onUnreadable: () => undefined, // noted when it was met first
        ...what,
      },
      this.#options,
    )
    return walk.run(root, place, before)
  }

  #eachBlob(work: OnBlob): Promise<void> {
    if (!this.#parts.repositories.isAll) return this.#eachLinked(work)
    return this.#walk(rootPlace(undefined, true), { onData: work })
  }

  async #eachLinked(work: OnBlob): Promise<void> {
    const view = new RootView(this.#trees.root, this.#reader)
    await eachOf(this.#linked, BLOBS, (digest) =>
      this.#attempt(async () => {
        const file = await view.file(layout.blobData(digest), this.#options)
        if (file !== undefined) await work(digest, file)
      }),
    )
  }

  /** Runs a part of the work; what only it is about is noted, and the rest goes on. */
  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      this.#options.signal?.throwIfAborted()
      await work()
      this.#problems.progress()
    } catch (error) {
      this.#options.signal?.throwIfAborted()
      if (error instanceof FalseClaimError) this.#parts.onFalse?.(error)
      this.#problems.note(error)
    }
  }

  async #link(linked: Digest | undefined, { cid }: Entry): Promise<void> {
    const { blocks, repositories } = this.#parts
    const size = await fileSize(blocks, cid, this.#options)
    if (size > LINK_MAX_BYTES) return // no link, as every reader finds
    await gatherFile(blocks, { cid, size }, { gate: this.#blobParts.fetching, ...this.#options })
    if (linked === undefined || repositories.isAll) return
    if (this.#linked.size >= MAX_LINKED) throw new FalseClaimError('it links too many blobs')
    this.#linked.add(linked)
  }

  /** The same digest is other bytes now, and they were wanted before. */
  async #replaced(digest: Digest, old: CID | undefined): Promise<void> {
    if (old !== undefined && (await this.#parts.blocks.size(old)) !== undefined)
      this.#linked.add(digest)
  }

  /** By what the directory says, which is corrected when the blob's root is here. */
  #count(file: Entry): Promise<void> {
    this.#progress.blobsTotal++
    this.#progress.bytesTotal += this.#told(file)
    return Promise.resolve()
  }

  #told({ treeSize }: Entry): number {
    return Math.min(treeSize, this.#parts.blobLimit)
  }

  async #blob(digest: Digest, file: Entry): Promise<void> {
    const onSize = (size: number): void => {
      this.#progress.bytesTotal += size - this.#told(file)
    }
    const onBytes = (bytes: number): void => {
      this.#progress.bytesDone += bytes
      this.#problems.progress()
    }
    await replicateBlob(this.#blobParts, digest, file, { ...this.#options, onSize, onBytes })
    this.#progress.blobsDone++
  }
}
