import { setImmediate } from 'node:timers/promises'
import { LIMITS } from '../blocks/chunking.ts'
import { Flights } from '../blocks/flights.ts'
import { NodeFormatError, prefixLength } from '../blocks/nodes.ts'
import { hashName, slotOf } from './hamt.ts'
import type { BlockSource } from '../blocks/block-source.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Entry, NamedEntry, Node } from '../blocks/nodes.ts'
import type { NodeCache } from './node-cache.ts'
import type { CID } from 'multiformats/cid'

/** Entries of a HAMT that are listed before other work gets its turn: each passes through eight levels of generators. */
const ENTRIES_IN_A_ROW = 2048

/**
 * Reads directories of any tree, ours or a hostile one: flat ones and HAMTs of any fanout the UnixFS spec allows. Every
 * step is bounded (levels, entries) and gives way to others now and then, so no tree can hold the event loop or keep a
 * request from its deadline, as the stock walker can be made to.
 */
export class DirectoryReader {
  readonly source: BlockSource
  readonly #cache: NodeCache
  /** Of a large directory there is one list under way, however many ask for it. */
  readonly #listings = new Flights<readonly string[]>()

  constructor(source: BlockSource, cache: NodeCache) {
    this.source = source
    this.#cache = cache
  }

  /** The node of a CID, from the cache or the source. */
  load(cid: CID, options?: BlockOptions): Promise<Node> {
    return this.#cache.load(this.source, cid, options)
  }

  /** This is the node of that CID, and its block is stored. */
  know(cid: CID, node: Node): void {
    this.#cache.set(cid, node)
  }

  /** One entry of a directory; `undefined` when it has no such name. */
  async lookup(directory: CID, name: string, options?: BlockOptions): Promise<Entry | undefined> {
    const node = await this.#directory(directory, options)
    if (node.kind === 'directory') return node.entries.find((entry) => entry.name === name)
    return this.#lookupShard(directory, node, name, options)
  }

  /** The names of all entries, in ASCII order. */
  names(directory: CID, options?: BlockOptions): Promise<readonly string[]> {
    const list = (signal: AbortSignal): Promise<readonly string[]> =>
      this.#cache.names(directory, () => this.list(directory, { signal }))
    return this.#listings.join(directory.toString(), list, options ?? {})
  }

  /** A list of names that follows from this directory and `what` alone: as it was made before, else made. */
  listed(
    directory: CID,
    what: string,
    make: () => Promise<readonly string[]>,
  ): Promise<readonly string[]> {
    return this.#cache.list(directory, what, make)
  }

  /** All entries, in no particular order. */
  async *list(directory: CID, options?: BlockOptions): AsyncGenerator<NamedEntry> {
    const node = await this.#directory(directory, options)
    if (node.kind === 'directory') yield* node.entries
    else
      yield* this.#listShard(
        directory,
        node,
        { level: 0, left: { entries: LIMITS.directoryEntries } },
        options,
      )
  }

  async #lookupShard(
    root: CID,
    shard: Node & { kind: 'shard' },
    name: string,
    options: BlockOptions | undefined,
  ): Promise<Entry | undefined> {
    const hash = await hashName(name)
    const digits = prefixLength(shard.fanout)
    let node = shard
    for (let level = 0; level < LIMITS.hamtDepth; level++) {
      const slot = slotOf(hash, level, shard.fanout)
      if (slot === undefined) break
      const prefix = slot.toString(16).toUpperCase().padStart(digits, '0')
      const entry = node.entries.find((candidate) => candidate.name.startsWith(prefix))
      if (entry === undefined) return undefined
      if (entry.name.length > digits) return entry.name.slice(digits) === name ? entry : undefined
      node = await this.#subShard(entry.cid, shard.fanout, options)
    }
    throw new NodeFormatError(root, `a HAMT of more than ${LIMITS.hamtDepth} levels`)
  }

  async *#listShard(
    root: CID,
    shard: Node & { kind: 'shard' },
    at: { level: number; left: { entries: number } },
    options: BlockOptions | undefined,
  ): AsyncGenerator<NamedEntry> {
    if (at.level >= LIMITS.hamtDepth) {
      throw new NodeFormatError(root, `a HAMT of more than ${LIMITS.hamtDepth} levels`)
    }
    const digits = prefixLength(shard.fanout)
    for (const entry of shard.entries) {
      options?.signal?.throwIfAborted()
      if (at.left.entries-- <= 0)
        throw new NodeFormatError(root, 'a directory with too many entries')
      if (at.left.entries % ENTRIES_IN_A_ROW === 0) await setImmediate()
      if (entry.name.length > digits) {
        yield { ...entry, name: entry.name.slice(digits) }
      } else {
        const below = await this.#subShard(entry.cid, shard.fanout, options)
        yield* this.#listShard(root, below, { ...at, level: at.level + 1 }, options)
      }
    }
  }

  async #directory(
    cid: CID,
    options?: BlockOptions,
  ): Promise<Node & { kind: 'directory' | 'shard' }> {
    const node = await this.load(cid, options)
    if (node.kind === 'directory' || node.kind === 'shard') return node
    throw new NodeFormatError(cid, `a ${node.kind} where a directory should be`)
  }

  async #subShard(
    cid: CID,
    fanout: number,
    options?: BlockOptions,
  ): Promise<Node & { kind: 'shard' }> {
    const node = await this.load(cid, options)
    if (node.kind !== 'shard') throw new NodeFormatError(cid, `a ${node.kind} inside a HAMT`)
    if (node.fanout !== fanout) throw new NodeFormatError(cid, 'a HAMT whose fanout changes')
    return node
  }
}
