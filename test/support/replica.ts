import { LocalBlocks } from '../../src/blocks/block-source.ts'
import { MissingBlockError } from '../../src/blocks/block-store.ts'
import { KeptBlocks } from '../../src/blocks/kept-blocks.ts'
import { ALL_REPOSITORIES } from '../../src/oci/repository-pattern.ts'
import { Trust } from '../../src/registry/trust.ts'
import { DirectoryReader } from '../../src/tree/directory.ts'
import { NodeCache } from '../../src/tree/node-cache.ts'
import { replicateTree } from '../../src/tree/replicate.ts'
import { TreeSource } from '../../src/tree/source.ts'
import { openDisk } from './disk.ts'
import { temporaryDirectory } from './temporary.ts'
import type { FetchBlock } from '../../src/blocks/block-source.ts'
import type { RepositorySet } from '../../src/oci/repository-pattern.ts'
import type { RegistryReader } from '../../src/registry/ports.ts'
import type { ReplicaProgress } from '../../src/tree/replicate.ts'
import type { CID } from 'multiformats/cid'
import type { Disk } from './disk.ts'

export const NO_PROGRESS = { blobsDone: 0, blobsTotal: 0, bytesDone: 0, bytesTotal: 0 }

/** Largest blob that a {@link Replica} takes. */
export const REPLICA_BLOB_LIMIT = 50_000_000

/** A tree of somewhere else that is to be here as a whole, on a disk of its own. */
export class Replica implements AsyncDisposable {
  readonly disk: Disk
  readonly trust: Trust
  readonly progress: ReplicaProgress = { ...NO_PROGRESS }
  /** What was fetched, in order. */
  readonly fetched: string[] = []
  /** What was found wrong. */
  readonly wrong: string[] = []
  repositories: RepositorySet = ALL_REPOSITORIES
  /** Runs before each fetch. */
  before: (cid: CID) => Promise<void> = () => Promise.resolve()
  makeRoom: () => Promise<void> = () => Promise.resolve()
  fetch: FetchBlock
  readonly #close: () => Promise<void>

  private constructor(disk: Disk, fetch: FetchBlock, close: () => Promise<void>) {
    this.disk = disk
    this.fetch = fetch
    this.#close = close
    this.trust = new Trust({ map: disk.state.map('trust'), now: Date.now })
  }

  /** @param fetch where it has its blocks from */
  static async open(fetch: FetchBlock): Promise<Replica> {
    const dir = await temporaryDirectory()
    const disk = await openDisk(dir.path)
    return new Replica(disk, fetch, async () => {
      await disk[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    })
  }

  /** A replica of what another disk has. */
  static of(origin: Disk): Promise<Replica> {
    const blocks = new LocalBlocks(origin.blocks)
    return Replica.open((cid, options) => blocks.get(cid, options))
  }

  async replicate(
    root: CID,
    { before, signal }: { before?: CID; signal?: AbortSignal } = {},
  ): Promise<void> {
    const { blocks, directories } = this.disk
    const counted: FetchBlock = async (cid, options) => {
      await this.before(cid)
      const bytes = await this.fetch(cid, options)
      this.fetched.push(cid.toString())
      return bytes
    }
    const parts = {
      blocks: new KeptBlocks({ store: blocks, fetch: counted, makeRoom: () => this.makeRoom() }),
      before: directories,
      claims: this.trust,
      repositories: this.repositories,
      blobLimit: REPLICA_BLOB_LIMIT,
      onFalse: (error: Error) => void this.wrong.push(error.message),
    }
    await replicateTree(parts, { root, before }, this.progress, { signal })
    await blocks.sync()
  }

  /** Reads a tree from what is here, and from nowhere else. */
  reader(root: CID): RegistryReader {
    const { blocks } = this.disk
    const directories = new DirectoryReader(new LocalBlocks(blocks), new NodeCache(0))
    return new TreeSource('replica', () => root, directories).reader() as RegistryReader
  }

  /** From now on nothing can be fetched. */
  cutOff(): void {
    this.fetch = (cid) => Promise.reject(new MissingBlockError(cid))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close()
  }
}
