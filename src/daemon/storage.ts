import { PUBLISH_ALL } from '../oci/publish-rules.ts'
import { Barrier } from '../blocks/barrier.ts'
import { LocalBlocks } from '../blocks/block-source.ts'
import { BlockContentStore } from '../blocks/content-store.ts'
import { DiskBlockStore } from '../blocks/disk-block-store.ts'
import { syncDirectory } from '../blocks/files.ts'
import { OpenFiles } from '../blocks/open-files.ts'
import { HealedBlocks, Healer } from '../blocks/healer.ts'
import { DiskUploadStore } from '../blocks/upload-store.ts'
import { WriteBehind } from '../blocks/write-behind.ts'
import { DirectoryReader } from '../tree/directory.ts'
import { History } from '../tree/history.ts'
import { Journal } from '../tree/journal.ts'
import { CommitLane } from '../tree/lane.ts'
import { NodeCache } from '../tree/node-cache.ts'
import { OutdatedSource } from '../tree/outdated.ts'
import { OwnSource } from '../tree/own-source.ts'
import { UsedRoots } from '../tree/used-roots.ts'
import { takeDataDirectory } from './data-directory.ts'
import type { StateDb } from '../blocks/state-db.ts'
import type { RegistrySource } from '../registry/ports.ts'
import type { DataDirectory } from './data-directory.ts'
import type { JournalEntry } from '../tree/journal.ts'
import type { PublishRules } from '../oci/publish-rules.ts'
import type { CID } from 'multiformats/cid'

/** As `retention.lease` is by default, in ms. */
const LEASE = 3_600_000
/** How long a root of a mirror stays at least after it was used, in ms: an attempt at moving to one takes five minutes. */
const ELSEWHERE = 10 * 60_000

/** The rooms `blocks` and `tree` on one data directory. */
export interface Storage extends AsyncDisposable {
  readonly state: StateDb
  readonly blocks: DiskBlockStore
  /** The same, for what is fetched: nobody waits for the disk. */
  readonly fetched: WriteBehind
  readonly contents: BlockContentStore
  readonly uploads: DiskUploadStore
  /** Decoded tree nodes, ours and the mirrors'. */
  readonly cache: NodeCache
  /** Reads our own tree. */
  readonly directories: DirectoryReader
  /** Brings back what the disk has lost of our own tree. */
  readonly healer: Healer
  readonly lane: CommitLane
  readonly journal: Journal
  /** Roots of our own tree that are read from. */
  readonly used: UsedRoots
  /** Roots of mirrors that are read from, or moved to. */
  readonly usedElsewhere: UsedRoots
  /** Files that are read, of our own tree. */
  readonly opened: OpenFiles
  /** The same of mirrors' trees. */
  readonly cached: OpenFiles
  readonly source: RegistrySource
  readonly history: History
  /** Why nothing is written any more until a restart, or since the start; `undefined` while that is not so. */
  stopped(): unknown
}

/** What is otherwise the usual. */
export interface StorageOptions {
  /** Between the collector and everybody else. */
  readonly barrier?: Barrier
  /** How long a root stays after somebody read from it, in ms. */
  readonly lease?: number
  /** Milliseconds that never go back. */
  readonly now?: () => number
  /** Which repositories are published. */
  readonly rules?: PublishRules
  /** Told of each new commit when it is durable. */
  readonly onCommit?: (entry: JournalEntry) => Promise<void>
}

/**
 * Takes a data directory and opens what is in it.
 *
 * @param onRoot told of each new root when it is durable
 */
export async function openStorage(
  directory: DataDirectory,
  onRoot: (root: CID) => Promise<void>,
  options: StorageOptions = {},
): Promise<Storage> {
  const { barrier = new Barrier(), lease = LEASE, now, rules = PUBLISH_ALL, onCommit } = options
  await using stack = new AsyncDisposableStack()
  const state = await takeDataDirectory(directory)
  stack.defer(() => state.close())
  const blocks = await DiskBlockStore.open(directory.blocks, state, barrier)
  stack.defer(() => blocks.close())
  const fetched = new WriteBehind(blocks)
  stack.defer(() => flush(fetched))
  const cache = new NodeCache()
  const [opened, cached] = [new OpenFiles(0), new OpenFiles()]
  const [used, usedElsewhere] = usedRoots(lease, now)
  // What is not published nobody else has, and nobody is to hear of it.
  const mayAsk = (cid: CID): Promise<boolean> => blocks.isLinked(cid)
  const healer = new Healer(blocks, Date.now, mayAsk)
  stack.defer(() => healer.stop())
  const directories = new DirectoryReader(new HealedBlocks(blocks, healer, opened), cache)
  // Nothing in the lane waits for the network.
  const local = new LocalBlocks(blocks, {
    files: opened,
    onLost: (cid, failure) => healer.healBehind(cid, failure),
  })
  const journal = new Journal(state)
  const reader = new DirectoryReader(local, cache)
  const more = { onRoot, onCommit, now: Date.now }
  const lane = await CommitLane.open({ blocks, reader, journal, rules, ...more })
  stack.defer(() => lane.drain())
  const uploads = await DiskUploadStore.open(directory.uploads, blocks)
  await syncDirectory(directory.path)
  const owned = stack.move()
  return {
    state,
    blocks,
    fetched,
    contents: new BlockContentStore(blocks),
    uploads,
    cache,
    directories,
    healer,
    lane,
    journal,
    used,
    usedElsewhere,
    opened,
    cached,
    source: new OutdatedSource(
      new OwnSource(() => lane.roots, { directories, used, rules }),
      () => lane.lost,
    ),
    history: new History(journal, { directories, used, rules }, () => lane.lost),
    stopped: () => lane.stopped ?? blocks.failure,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Those of our own tree, and those of mirrors. */
function usedRoots(lease: number, now: StorageOptions['now']): [UsedRoots, UsedRoots] {
  const elsewhere = Math.max(lease, ELSEWHERE)
  return [new UsedRoots({ lease, now }), new UsedRoots({ lease: elsewhere, now })]
}

/** Our own trees, the published one first. */
export function ownTrees({ lane, directories }: Pick<Storage, 'lane' | 'directories'>): {
  name: string
  root: CID
  directories: DirectoryReader
}[] {
  const { public: published, private: hidden } = lane.roots
  const roots = hidden === undefined ? [published] : [published, hidden]
  return roots.map((root) => ({ name: 'own', root, directories }))
}

/** Writes what is still on its way. A disk that fails then has failed its own writers, and told of it, before. */
async function flush(fetched: WriteBehind): Promise<void> {
  await fetched.sync().catch(() => undefined)
}
