import { FILE_LINKS } from './chunking.ts'
import { encodeFileNode } from './nodes.ts'
import type { Entry, FilePart, MadeNode } from './nodes.ts'

/** A finished part of a file: where it is, its file bytes, and those bytes with the nodes above them. */
export type DagPart = FilePart & Entry

/**
 * Builds the balanced tree over a file's leaves as they come, holding at most one unfinished node for each level: a
 * 100 GiB file needs three levels. The result is the same as `ipfs add` gives with the profile `unixfs-v1-2025`.
 */
export class FileDag {
  readonly #put: (node: MadeNode) => Promise<void>
  readonly #width: number
  /** Unfinished nodes, from the one above the leaves upwards. */
  readonly #levels: DagPart[][] = []

  /** @param put keeps a finished inner node */
  constructor(put: (node: MadeNode) => Promise<void>, width: number = FILE_LINKS) {
    this.#put = put
    this.#width = width
  }

  /** Adds the next leaf. */
  async add(leaf: DagPart): Promise<void> {
    await this.#addAt(0, leaf)
  }

  /** Ends the file: its root. `undefined` when no leaf was added. */
  async finish(): Promise<DagPart | undefined> {
    const only = this.#onlyLeaf()
    if (only !== undefined) return only
    for (let level = 0; level < this.#levels.length; level++) {
      const parts = this.#levels[level] ?? []
      const isTop = level === this.#levels.length - 1
      if (isTop && parts.length === 1 && level > 0) return parts[0]
      if (parts.length > 0) await this.#close(level)
    }
    return this.#levels.at(-1)?.[0]
  }

  #onlyLeaf(): DagPart | undefined {
    return this.#levels.length === 1 && this.#levels[0]?.length === 1
      ? this.#levels[0][0]
      : undefined
  }

  async #addAt(level: number, part: DagPart): Promise<void> {
    const parts = (this.#levels[level] ??= [])
    // A full node is closed only when one more part comes, so that a file of exactly one full node has no level above.
    if (parts.length === this.#width) await this.#close(level)
    ;(this.#levels[level] ??= []).push(part)
  }

  async #close(level: number): Promise<void> {
    const parts = this.#levels[level] ?? []
    const node = encodeFileNode(parts)
    await this.#put(node)
    this.#levels[level] = []
    await this.#addAt(level + 1, {
      cid: node.cid,
      treeSize: node.treeSize,
      size: parts.reduce((sum, part) => sum + part.size, 0),
    })
  }
}
