import { setImmediate } from 'node:timers/promises'
import { Flights } from '../blocks/flights.ts'
import { readNode } from '../blocks/read-node.ts'
import { WeightedCache } from '../blocks/weighted-cache.ts'
import { sortInTurns } from './sort-in-turns.ts'
import type { BlockSource } from '../blocks/block-source.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Node } from '../blocks/nodes.ts'
import type { CID } from 'multiformats/cid'

/** Memory that decoded nodes may take, in bytes, by the estimate below. */
const CACHE_BYTES = 48 * 1024 * 1024

/** A node of more than this is not kept with the others: it would push out too many of them. */
const LARGEST_KEPT = 8 * 1024 * 1024
/** Only the last one of those is kept: whoever looks into it looks more than once. The largest takes 20 MiB. */
const LARGE_BYTES = 24 * 1024 * 1024

/** What a decoded node takes on the heap, measured: a CID object with its parts is ten times its bytes. */
const NODE_BYTES = 1024
const ENTRY_BYTES = 2048

/** Memory that names of directories may take, in bytes: 100,000 tags of ten letters are about 4 MiB. */
const NAMES_BYTES = 16 * 1024 * 1024
const LARGEST_NAMES = 8 * 1024 * 1024
/** What is kept of either by a process that is idle: the tops of trees, and what is listed often. */
const IDLE_BYTES = 8 * 1024 * 1024
const IDLE_NAMES_BYTES = 4 * 1024 * 1024
/** What a name takes besides its letters. */
const NAME_BYTES = 32

/**
 * Loads in a row after which other work gets its turn. Loads from the cache end without leaving the microtask queue, so a
 * walk of a tree made for it (a few nodes that link each other a million times) would otherwise hold every timer, and
 * with them the deadline that is to end it.
 */
const LOADS_IN_A_ROW = 100

/** The memory of one or more caches. */
class Memory {
  readonly nodes: WeightedCache<Node>
  readonly large: WeightedCache<Node>
  readonly names: WeightedCache<readonly string[]>
  /** How often it was cleared: a load that was begun before is not kept. */
  cleared = 0

  constructor(limit: number) {
    this.nodes = new WeightedCache(limit, LARGEST_KEPT)
    this.large = new WeightedCache(Math.min(limit, LARGE_BYTES), LARGE_BYTES)
    this.names = new WeightedCache(Math.min(limit, NAMES_BYTES), LARGEST_NAMES)
  }
}

/**
 * Tree nodes as they were decoded last, and the names of directories in order. A CID always means the same directory, so
 * nothing here is ever stale.
 */
export class NodeCache {
  readonly #memory: Memory
  /** Stands before every key. */
  readonly #prefix: string
  /** Loads under way, by source: what one cannot give another may have. */
  readonly #flights = new WeakMap<BlockSource, Flights<Node>>()
  #loads = 0

  /** @param limit bytes of memory to use for nodes; 0 keeps nothing */
  constructor(limit: number = CACHE_BYTES, memory: Memory = new Memory(limit), prefix = '') {
    this.#memory = memory
    this.#prefix = prefix
  }

  /**
   * The same memory for trees that others draw, which name what they like: they find nothing here that was not loaded for
   * one of them, so that what is in our own trees is not shown, nor told by a node that need not be fetched.
   */
  apart(): NodeCache {
    return new NodeCache(0, this.#memory, '+')
  }

  /** @throws NodeFormatError, and what the source throws */
  async load(source: BlockSource, cid: CID, options?: BlockOptions): Promise<Node> {
    if (++this.#loads % LOADS_IN_A_ROW === 0) await setImmediate()
    options?.signal?.throwIfAborted() // a cached node would not notice
    const key = this.#keyOf(cid)
    const { nodes, large, cleared } = this.#memory
    const known = nodes.get(key) ?? large.get(key)
    if (known !== undefined) return known
    return this.#flightsOf(source).join(
      `${cleared} ${key}`, // whoever comes after does not share what was read before
      async (signal) => {
        const node = await readNode(source, cid, { signal })
        if (cleared === this.#memory.cleared) this.#set(key, node)
        return node
      },
      options ?? {},
    )
  }

  /** Takes a node that need not be loaded, because its block was put just now: no collection begun since deletes it. */
  set(cid: CID, node: Node): void {
    this.#set(this.#keyOf(cid), node)
  }

  /**
   * Forgets all nodes. A collection begins with it: who finds a node here may take its block to be on the disk, and what is
   * loaded from now on is left there.
   */
  clear(): void {
    const memory = this.#memory
    memory.cleared++
    memory.nodes.clear()
    memory.large.clear()
  }

  /** Nobody has asked for anything for a while: of what is kept, what was used last is enough to begin with again. */
  shrink(): void {
    const { nodes, large, names } = this.#memory
    nodes.shrink(IDLE_BYTES)
    names.shrink(IDLE_NAMES_BYTES)
    large.clear()
  }

  #keyOf(cid: CID): string {
    return this.#prefix + keyOf(cid)
  }

  #set(key: string, node: Node): void {
    const weight = weightOf(node)
    const { nodes, large } = this.#memory
    const cache = weight > LARGEST_KEPT ? large : nodes
    cache.set(key, node, weight)
  }

  #flightsOf(source: BlockSource): Flights<Node> {
    const flights = this.#flights.get(source) ?? new Flights<Node>()
    this.#flights.set(source, flights)
    return flights
  }

  /**
   * The names of a directory, in ASCII order. A directory of many entries has them in hundreds of nodes, too many to read
   * and to sort for each page of a listing; the names alone are small.
   *
   * @param list lists them, when they are not known
   */
  async names(
    directory: CID,
    list: () => AsyncIterable<{ name: string }>,
  ): Promise<readonly string[]> {
    const key = this.#keyOf(directory)
    const known = this.#memory.names.get(key)
    if (known !== undefined) return known
    const names: string[] = []
    let bytes = 0
    for await (const { name } of list()) {
      names.push(name)
      bytes += NAME_BYTES + name.length
    }
    const sorted = await sortInTurns(names)
    this.#memory.names.set(key, sorted, bytes)
    return sorted
  }

  /** Another list of names that follows from a directory and `what` alone, such as a page of the repositories in it. */
  async list(
    directory: CID,
    what: string,
    make: () => Promise<readonly string[]>,
  ): Promise<readonly string[]> {
    const key = `${this.#keyOf(directory)} ${what}`
    const known = this.#memory.names.get(key)
    if (known !== undefined) return known
    const names = await make()
    const bytes = names.reduce((sum, name) => sum + NAME_BYTES + name.length, key.length)
    this.#memory.names.set(key, names, bytes)
    return names
  }
}

/** Flat and short: the text of a CID is put together letter by letter, and takes 2 KiB as it comes (measured). */
function keyOf({ bytes }: CID): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function weightOf(node: Node): number {
  if (node.kind === 'leaf') return NODE_BYTES + node.size
  const entries = node.kind === 'file' ? node.parts.length : node.entries.length
  return NODE_BYTES + ENTRY_BYTES * entries
}
