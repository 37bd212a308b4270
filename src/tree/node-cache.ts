import { decodeNode } from '../blocks/nodes.ts'
import type { BlockSource } from '../blocks/block-source.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Node } from '../blocks/nodes.ts'
import type { CID } from 'multiformats/cid'

/** Bytes of decoded nodes that are kept, counted by their blocks. */
const CACHE_BYTES = 16 * 1024 * 1024

/** A node of at most this many bytes is kept; one beyond would push out all others. */
const LARGEST_KEPT = 512 * 1024

/**
 * Tree nodes as they were decoded last. A CID always means the same node, so nothing here is ever stale; least
 * recently used ones go first. Leaves of files do not pass here.
 */
export class NodeCache {
  readonly #nodes = new Map<string, { node: Node; bytes: number }>()
  readonly #limit: number
  #bytes = 0

  /** @param limit bytes to keep, counted by blocks; 0 keeps nothing */
  constructor(limit: number = CACHE_BYTES) {
    this.#limit = limit
  }

  /** @throws NodeFormatError, and what the source throws */
  async load(source: BlockSource, cid: CID, options?: BlockOptions): Promise<Node> {
    const key = cid.toString()
    const known = this.#nodes.get(key)
    if (known !== undefined) {
      this.#nodes.delete(key)
      this.#nodes.set(key, known)
      return known.node
    }
    const block = await source.get(cid, options)
    const node = decodeNode(cid, block)
    this.#keep(key, node, block.length)
    return node
  }

  #keep(key: string, node: Node, bytes: number): void {
    if (bytes > LARGEST_KEPT || this.#nodes.has(key)) return
    this.#nodes.set(key, { node, bytes })
    this.#bytes += bytes
    for (const [oldest, entry] of this.#nodes) {
      if (this.#bytes <= this.#limit) return
      this.#nodes.delete(oldest)
      this.#bytes -= entry.bytes
    }
  }
}
