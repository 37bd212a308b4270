import { FLAT_DIRECTORY_BYTES } from '../blocks/chunking.ts'
import { encodeDirectory } from '../blocks/nodes.ts'
import { bodyLength, fieldLength } from '../blocks/pb-node.ts'
import { buildHamt } from './hamt-edit.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Entry, NamedEntry } from '../blocks/nodes.ts'
import type { DirectoryReader } from './directory.ts'
import type { DirectoryChanges, PutNode } from './hamt-edit.ts'
import type { CID } from 'multiformats/cid'

/** Sizes of the last sharded directories, by root CID, as flat blocks; see {@link DirectoryEditor.edit}. */
const SIZES_KEPT = 1000

/**
 * Writes directories in their one canonical form: flat while the block is at most 256 KiB, a HAMT beyond, and flat again
 * when it shrinks. The form depends on the entries alone, so the same content has the same CID on every node,
 * whatever the order of the edits that led to it.
 */
export class DirectoryEditor {
  readonly #reader: DirectoryReader
  readonly #put: PutNode
  /**
   * How large each sharded directory would be as a flat block. Without it, every edit of a HAMT would have to read all
   * of it to know whether it is still too large; with it, the size is the last one plus what the edit changes.
   */
  readonly #flatSizes = new Map<string, number>()

  constructor(reader: DirectoryReader, put: PutNode) {
    this.#reader = reader
    this.#put = put
  }

  /**
   * Applies changes to a directory (`undefined`: one that does not exist yet).
   *
   * @returns the new directory, or `undefined` when nothing is left in it
   */
  async edit(
    base: CID | undefined,
    changes: DirectoryChanges,
    options?: BlockOptions,
  ): Promise<Entry | undefined> {
    const node = base === undefined ? undefined : await this.#reader.load(base, options)
    if (base === undefined || node?.kind === 'directory') {
      const entries = node?.kind === 'directory' ? node.entries : []
      return this.#writeWhole(applyTo(entries, changes))
    }
    const size = await this.#sizeAfter(base, changes, options)
    if (size > FLAT_DIRECTORY_BYTES) return this.#writeShards(base, changes, size, options)
    const entries = await Array.fromAsync(this.#reader.list(base, options))
    return this.#writeWhole(applyTo(entries, changes))
  }

  async #writeWhole(entries: readonly NamedEntry[]): Promise<Entry | undefined> {
    if (entries.length === 0) return undefined
    // Drawn at once where it may be small enough, for to count its bytes takes as long.
    const made = entries.length <= FLAT_ENTRIES ? encodeDirectory(entries) : undefined
    const size = made?.bytes.length ?? flatSize(entries)
    if (made === undefined || size > FLAT_DIRECTORY_BYTES) {
      const all = new Map<string, Entry>(entries.map((entry) => [entry.name, entry]))
      return this.#writeShards(undefined, all, size)
    }
    await this.#put(made)
    return { cid: made.cid, treeSize: made.treeSize }
  }

  async #writeShards(
    base: CID | undefined,
    changes: DirectoryChanges,
    size: number,
    options?: BlockOptions,
  ): Promise<Entry> {
    const root = await buildHamt(this.#reader, this.#put, base, changes, options)
    this.#remember(root.cid, size)
    return root
  }

  async #sizeAfter(base: CID, changes: DirectoryChanges, options?: BlockOptions): Promise<number> {
    let size = this.#flatSizes.get(base.toString())
    if (size === undefined) {
      size = EMPTY_DIRECTORY_BYTES
      for await (const entry of this.#reader.list(base, options)) size += linkSize(entry)
    }
    for (const [name, entry] of changes) {
      const old = await this.#reader.lookup(base, name, options)
      if (old !== undefined) size -= linkSize({ ...old, name })
      if (entry !== undefined) size += linkSize({ ...entry, name })
    }
    return size
  }

  #remember(root: CID, size: number): void {
    this.#flatSizes.set(root.toString(), size)
    const oldest = this.#flatSizes.keys().next()
    if (this.#flatSizes.size > SIZES_KEPT && oldest.done === false)
      this.#flatSizes.delete(oldest.value)
  }
}

/** The entries after the changes, in the order in which they are written, when they were in it before. */
function applyTo(entries: readonly NamedEntry[], changes: DirectoryChanges): NamedEntry[] {
  const result = entries.filter(({ name }) => !changes.has(name))
  for (const [name, entry] of changes)
    if (entry !== undefined) result.push({ name, cid: entry.cid, treeSize: entry.treeSize })
  return result.sort((a, b) => (a.name < b.name ? -1 : +(a.name > b.name)))
}

/** A flat directory has fewer entries than this: a link to a file of one byte has 44 bytes at least. */
const FLAT_ENTRIES = Math.floor(FLAT_DIRECTORY_BYTES / 44)

/** A flat directory without links: the UnixFS message `08 01` as the node's data field. */
const EMPTY_DIRECTORY_BYTES = 4

/** Bytes of the flat block that would hold these entries (dag-pb is protobuf, so this is arithmetic). */
export function flatSize(entries: readonly NamedEntry[]): number {
  return entries.reduce((sum, entry) => sum + linkSize(entry), EMPTY_DIRECTORY_BYTES)
}

/** Bytes of one link in a dag-pb block, itself a field of the node. */
function linkSize(entry: NamedEntry): number {
  return fieldLength(bodyLength(entry))
}
