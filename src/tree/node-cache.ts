import { setImmediate } from 'node:timers/promises'
import { decodeNode } from '../blocks/nodes.ts'
import type { BlockSource } from '../blocks/block-source.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Node } from '../blocks/nodes.ts'
import type { CID } from 'multiformats/cid'

/** Memory that decoded nodes may take, in bytes, by the estimate below. */
const CACHE_BYTES = 48 * 1024 * 1024

/** A node of more than this is not kept: it would push out too many others. */
const LARGEST_KEPT = 8 * 1024 * 1024

/** What a decoded node takes on the heap, measured: a CID object with its parts is ten times its bytes. */
const NODE_BYTES = 1024
const ENTRY_BYTES = 2048

/**
 * Loads in a row after which other work gets its turn. Loads from the cache end without leaving the microtask queue, so a
 * walk of a tree made for it (a few nodes that link each other a million times) would otherwise hold every timer, and
 * with them the deadline that is to end it.
 */
const LOADS_IN_A_ROW = 100

/**
 * Tree nodes as they were decoded last. A CID always means the same node, so nothing here is ever stale; least
 * recently used ones go first.
 */
export class NodeCache {
  readonly #nodes = new Map<string, { node: Node; weight: number }>()
  readonly #limit: number
  #weight = 0
  #loads = 0

  /** @param limit bytes of memory to use; 0 keeps nothing */
  constructor(limit: number = CACHE_BYTES) {
    this.#limit = limit
  }

  /** @throws NodeFormatError, and what the source throws */
  async load(source: BlockSource, cid: CID, options?: BlockOptions): Promise<Node> {
    if (++this.#loads % LOADS_IN_A_ROW === 0) await setImmediate()
    options?.signal?.throwIfAborted() // a cached node would not notice
    const key = cid.toString()
    const known = this.#nodes.get(key)
    if (known !== undefined) {
      this.#nodes.delete(key)
      this.#nodes.set(key, known)
      return known.node
    }
    const node = decodeNode(cid, await source.get(cid, options))
    this.#keep(key, node)
    return node
  }

  #keep(key: string, node: Node): void {
    const weight = weightOf(node)
    if (weight > LARGEST_KEPT || this.#nodes.has(key)) return
    this.#nodes.set(key, { node, weight })
    this.#weight += weight
    for (const [oldest, entry] of this.#nodes) {
      if (this.#weight <= this.#limit) return
      this.#nodes.delete(oldest)
      this.#weight -= entry.weight
    }
  }
}

function weightOf(node: Node): number {
  if (node.kind === 'leaf') return NODE_BYTES + node.size
  const entries = node.kind === 'file' ? node.parts.length : node.entries.length
  return NODE_BYTES + ENTRY_BYTES * entries
}
