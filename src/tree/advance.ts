import { LIMITS } from '../blocks/chunking.ts'
import { prefixLength } from '../blocks/nodes.ts'
import { layout } from './layout.ts'
import { RootView } from './view.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { NamedEntry, Node } from '../blocks/nodes.ts'
import type { DirectoryReader } from './directory.ts'
import type { CID } from 'multiformats/cid'

/** Nodes fetched at once while a mirror moves to a new root. */
const CONCURRENCY = 16

/** Nodes and names that one move may touch; a tree that needs more is refused rather than followed for ever. */
const LIMIT = 2_000_000

/** What moving to a new root works with. */
export interface AdvanceParts {
  /** Reads the mirror's tree, fetching what is not here. */
  reader: DirectoryReader
  /** Whether a block is on this machine. */
  isKept: (cid: CID) => Promise<boolean>
}

/**
 * Fetches, under a mirror's new root, the tree nodes above everything that is kept here of its old one. When this has
 * resolved, whatever could be served under the old root without the source can be served under the new one; until
 * then the old root stays current (DESIGN §6, "Mirror").
 *
 * It walks both trees side by side and goes down only where they differ and the old side is on this disk, so the cost
 * is that of what changed among what is used, however large the registry is.
 */
export async function advanceTree(
  parts: AdvanceParts,
  newRoot: CID,
  oldRoot: CID | undefined,
  options: BlockOptions = {},
): Promise<void> {
  const walk = new Walk(parts, options)
  if (oldRoot === undefined) await walk.spine(newRoot)
  else await walk.node(newRoot, oldRoot)
}

class Walk {
  readonly #parts: AdvanceParts
  readonly #options: BlockOptions
  #left = LIMIT

  constructor(parts: AdvanceParts, options: BlockOptions) {
    this.#parts = parts
    this.#options = options
  }

  /** Nothing is kept of a mirror that is new here: only the way to its repositories must be there. */
  async spine(root: CID): Promise<void> {
    await new RootView(root, this.#parts.reader).names(layout.repositories, this.#options)
  }

  /** Fetches a node that differs from the old one at its place, and goes on below. */
  async node(cid: CID, old: CID): Promise<void> {
    if (cid.equals(old)) return
    const node = await this.#load(cid)
    if (!(await this.#parts.isKept(old))) return
    const before = await this.#load(old)
    if (!isDirectory(node) || !isDirectory(before)) return // a file: its nodes are fetched when it is read
    await this.#children(await this.#pairs({ cid, node, before }))
  }

  async #children(pairs: readonly [CID, CID][]): Promise<void> {
    for (let at = 0; at < pairs.length; at += CONCURRENCY) {
      await Promise.all(
        pairs.slice(at, at + CONCURRENCY).map(([cid, old]) => this.#child(cid, old)),
      )
    }
  }

  async #child(cid: CID, old: CID): Promise<void> {
    if (await this.#parts.isKept(old)) await this.node(cid, old)
  }

  /** Entries that stand under the same name on both sides and differ. */
  async #pairs(at: Both): Promise<[CID, CID][]> {
    const { node, before } = at
    if (node.kind === 'directory' && before.kind === 'directory')
      return this.#differing(node.entries, before.entries)
    if (node.kind !== 'shard' || before.kind !== 'shard' || node.fanout !== before.fanout)
      return this.#byName(at)
    return [
      ...this.#differing(node.entries, before.entries),
      ...(await this.#movedDown(node, before)),
    ]
  }

  #differing(now: readonly NamedEntry[], before: readonly NamedEntry[]): [CID, CID][] {
    const old = new Map(before.map(({ name, cid }) => [name, cid]))
    return now.flatMap(({ name, cid }) => {
      const at = old.get(name)
      return at === undefined || at.equals(cid) ? [] : [[cid, at] as [CID, CID]]
    })
  }

  /** The two sides are of different shape (flat and HAMT, say): they are compared name by name. */
  async #byName({ cid, before }: Both): Promise<[CID, CID][]> {
    return this.#matching(cid, await this.#keptBelow(before, 0))
  }

  /**
   * In a HAMT, a name that stood in a node may now stand in a new node below it (its slot was taken by a second name),
   * or the other way round.
   */
  async #movedDown(node: Shard, before: Shard): Promise<[CID, CID][]> {
    const digits = prefixLength(node.fanout)
    const slots = new Map(before.entries.map((entry) => [entry.name.slice(0, digits), entry]))
    const pairs: [CID, CID][] = []
    for (const entry of node.entries) {
      const old = slots.get(entry.name.slice(0, digits))
      if (old === undefined || entry.name.length > digits === old.name.length > digits) continue
      const kept = await this.#keptBelow({ ...before, entries: [old] }, 0)
      if (entry.name.length === digits) pairs.push(...(await this.#matching(entry.cid, kept)))
      const at = kept.get(entry.name.slice(digits))
      if (at !== undefined && !at.equals(entry.cid)) pairs.push([entry.cid, at])
    }
    return pairs
  }

  /** Lists a new directory or part of a HAMT, and picks the names that were kept and differ. */
  async #matching(cid: CID, kept: ReadonlyMap<string, CID>): Promise<[CID, CID][]> {
    const pairs: [CID, CID][] = []
    if (kept.size === 0) return pairs
    for await (const entry of this.#parts.reader.list(cid, this.#options)) {
      this.#spend()
      const at = kept.get(entry.name)
      if (at !== undefined && !at.equals(entry.cid)) pairs.push([entry.cid, at])
    }
    return pairs
  }

  /** Names of an old directory, as far as its nodes are on this disk. */
  async #keptBelow(node: Directory, level: number): Promise<Map<string, CID>> {
    const names = new Map<string, CID>()
    if (level >= LIMITS.hamtDepth) return names // nothing is found below that, so nothing of it was used
    const digits = node.kind === 'shard' ? prefixLength(node.fanout) : 0
    for (const { name, cid } of node.entries) {
      this.#spend()
      if (digits === 0 || name.length > digits) {
        names.set(name.slice(digits), cid)
      } else if (await this.#parts.isKept(cid)) {
        const below = await this.#load(cid)
        if (isDirectory(below))
          for (const [inner, at] of await this.#keptBelow(below, level + 1)) names.set(inner, at)
      }
    }
    return names
  }

  #load(cid: CID): Promise<Node> {
    this.#spend()
    return this.#parts.reader.load(cid, this.#options)
  }

  #spend(): void {
    this.#options.signal?.throwIfAborted()
    if (this.#left-- <= 0) throw new Error('the tree has too much in it to be followed')
  }
}

/** A directory that changed: its new CID and node, and the node it had. */
interface Both {
  readonly cid: CID
  readonly node: Directory
  readonly before: Directory
}

type Directory = Node & { kind: 'directory' | 'shard' }
type Shard = Node & { kind: 'shard' }

function isDirectory(node: Node): node is Directory {
  return node.kind === 'directory' || node.kind === 'shard'
}
