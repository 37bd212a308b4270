import { keyOf } from './cids.ts'
import { WeightedCache } from './weighted-cache.ts'
import type { Node } from './nodes.ts'
import type { CID } from 'multiformats/cid'

/** Memory for nodes, in bytes: of some 20 files of 1 GiB. */
const CACHE_BYTES = 8 * 1024 * 1024
/** What a part of a file takes, decoded. */
const PART_BYTES = 400

/**
 * The inner nodes of files that are read in many small parts: to decode the list of 1,024 leaves takes 5 ms, and somebody
 * who takes 1 GiB slowly would have it decoded for each slice.
 */
export class FileNodes {
  readonly #nodes = new WeightedCache<Node>(CACHE_BYTES, CACHE_BYTES)

  /** A node that was read, and checked, before. */
  get(cid: CID): Node | undefined {
    return this.#nodes.get(keyOf(cid))
  }

  /** Remembers an inner node; anything else is not worth it. */
  keep(cid: CID, node: Node): void {
    if (node.kind === 'file')
      this.#nodes.set(keyOf(cid), node, (node.parts.length + 1) * PART_BYTES)
  }
}
