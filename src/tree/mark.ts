import { MissingBlockError } from '../blocks/block-store.ts'
import { DAG_PB, RAW, cidFromHash } from '../blocks/cids.ts'
import { linksOf } from '../blocks/node-links.ts'
import { NodeFormatError } from '../blocks/nodes.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { LiveSet } from '../blocks/live-set.ts'
import type { NodeLink } from '../blocks/node-links.ts'
import type { Pace } from '../blocks/pace.ts'
import type { CID } from 'multiformats/cid'

/** Nodes that are read at once. */
const WIDTH = 8

/** What a {@link Marker} works with. */
export interface MarkParts {
  readonly live: LiveSet
  /** Reads a block of this disk, checked. @throws DamagedBlockError, or the disk's error */
  readonly read: (cid: CID) => Promise<Uint8Array | undefined>
  readonly pace: Pace
}

/** How a tree is marked. */
export interface MarkOptions extends BlockOptions {
  /** What is not here is passed over: a mirror's tree is here in part. */
  readonly isPartial?: boolean | undefined
  /** Peers may have the tree. */
  readonly isOpen?: boolean | undefined
  /** Gets each leaf that is met for the first time. */
  readonly onLeaf?: ((hash: Uint8Array) => void) | undefined
  /** Gets each block, node or leaf, that is met for the first time. */
  readonly onNew?: ((hash: Uint8Array) => void) | undefined
  /** Gets the files that are called `data`, which are then not marked. */
  readonly onData?: ((link: NodeLink) => void) | undefined
}

const DATA = Buffer.from('data')

/**
 * Marks what hangs under roots as live, each node once however many roots have it in common. Leaves are not read. What
 * cannot be read ends it: from half of what is live nothing may follow (promise I3).
 */
export class Marker {
  readonly #parts: MarkParts
  /** Nodes that were read. */
  nodes = 0

  constructor(parts: MarkParts) {
    this.#parts = parts
  }

  /**
   * @throws MissingBlockError, unless the tree may be here in part; DamagedBlockError, NodeFormatError, the disk's error
   */
  async mark(root: CID, options: MarkOptions = {}): Promise<void> {
    await this.#from(
      { hash: root.multihash.digest, isLeaf: root.code === RAW, name: new Uint8Array(0) },
      options,
    )
  }

  /** The same for what a link names. */
  async #from(link: NodeLink, options: MarkOptions): Promise<void> {
    const stack: Uint8Array[] = []
    this.#meet(link, stack, options)
    while (stack.length > 0) {
      const nodes = await Promise.all(
        stack.splice(-WIDTH).map((hash) => this.#links(hash, options)),
      )
      for (const links of nodes) {
        for (const child of links) {
          if (options.onData !== undefined && isData(child)) options.onData(child)
          else this.#meet(child, stack, options)
        }
      }
      await this.#parts.pace.turn(options)
    }
  }

  #meet({ hash, isLeaf }: NodeLink, stack: Uint8Array[], how: MarkOptions): void {
    const { live } = this.#parts
    const { onLeaf, onNew, isOpen } = how
    if (onNew !== undefined && !live.has(hash)) onNew(hash)
    if (!isLeaf) {
      if (isOpen === true ? live.expandOpen(hash) : live.expand(hash)) stack.push(hash)
      return
    }
    if (onLeaf !== undefined && !live.has(hash)) onLeaf(hash)
    if (isOpen === true) live.addOpen(hash)
    else live.add(hash)
  }

  async #links(hash: Uint8Array, { isPartial }: MarkOptions): Promise<NodeLink[]> {
    const cid = cidFromHash(DAG_PB, hash)
    const bytes = await this.#parts.read(cid)
    this.nodes++
    if (bytes === undefined) {
      if (isPartial === true) return []
      throw new MissingBlockError(cid)
    }
    try {
      return linksOf(bytes)
    } catch (cause) {
      // Nothing but its form can be wrong. A mirror's node that no reader accepts has nothing below it that anybody reads.
      if (isPartial === true) return []
      throw new NodeFormatError(cid, String(cause), { cause })
    }
  }
}

/** In a HAMT, the name comes after the number of its slot. */
function isData({ name }: NodeLink): boolean {
  return Buffer.compare(name.subarray(-DATA.length), DATA) === 0 && name.length <= DATA.length + 3
}
