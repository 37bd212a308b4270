import type { BlockStore } from '../blocks/block-store.ts'
import type { MadeNode } from '../blocks/nodes.ts'
import type { DirectoryReader } from './directory.ts'

/** Nodes on their way to the disk at once. */
const AT_ONCE = 8

/**
 * Directories on their way to the disk. Large ones are files, of which each is synced: the way there is long, and much
 * shorter when they go it together. What is above a directory needs its CID alone, so nobody waits for it but {@link whole}.
 */
export class NodeWrites {
  readonly #blocks: Pick<BlockStore, 'put'>
  readonly #reader: Pick<DirectoryReader, 'know'>
  readonly #running = new Set<Promise<void>>()
  #failures: unknown[] = []

  constructor(blocks: Pick<BlockStore, 'put'>, reader: Pick<DirectoryReader, 'know'>) {
    this.#blocks = blocks
    this.#reader = reader
  }

  /** Begins to write a node, within {@link whole}. Resolves when there is room for the next one. */
  async put(node: MadeNode): Promise<void> {
    const writing = this.#write(node)
      .catch((error: unknown) => void this.#failures.push(error))
      .finally(() => this.#running.delete(writing))
    this.#running.add(writing)
    if (this.#running.size >= AT_ONCE) await Promise.race(this.#running)
  }

  /**
   * Returns when `draw` has ended and all nodes that it put are written; nothing goes on behind an error.
   *
   * @throws what `draw` throws, or the first failure of a write
   */
  async whole<T>(draw: () => Promise<T>): Promise<T> {
    this.#failures = []
    let drawn: T
    try {
      drawn = await draw()
    } finally {
      await Promise.all(this.#running)
    }
    if (this.#failures.length > 0) throw this.#failures[0]
    return drawn
  }

  async #write({ cid, bytes, node }: MadeNode): Promise<void> {
    await this.#blocks.put(cid, bytes)
    // The next edit begins with what this one has written, and need not decode it.
    this.#reader.know(cid, node)
  }
}
