import { NodeFormatError } from '../blocks/nodes.ts'
import { layout } from './layout.ts'
import { RootView } from './view.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { NamedEntry, Node } from '../blocks/nodes.ts'
import type { DirectoryReader } from './directory.ts'
import type { CID } from 'multiformats/cid'

/** Nodes fetched at once while a mirror moves to a new root. */
const CONCURRENCY = 16

/** Nodes that one move may touch; a tree that needs more is refused rather than followed for ever. */
const NODES_LIMIT = 500_000

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
  #left = NODES_LIMIT

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
    await this.#children(await this.#pairs(node, before))
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
  async #pairs(node: Directory, before: Directory): Promise<[CID, CID][]> {
    const sameShape =
      node.kind === before.kind && (node.kind === 'directory' || sameFanout(node, before))
    const entries = sameShape ? node.entries : await this.#flatten(node)
    const old = new Map(
      (sameShape ? before.entries : await this.#flattenKept(before)).map((e) => [e.name, e.cid]),
    )
    const pairs: [CID, CID][] = []
    for (const { name, cid } of entries) {
      const at = old.get(name)
      if (at !== undefined && !at.equals(cid)) pairs.push([cid, at])
    }
    if (sameShape && node.kind === 'shard') pairs.push(...(await this.#movedDown(node, before)))
    return pairs
  }

  /**
   * In a HAMT, a name that stood in a node may now stand in a new node below it (its slot was taken by a second name),
   * or the other way round. Those nodes are fetched whole; there are few of them and they are small.
   */
  async #movedDown(node: Directory & { kind: 'shard' }, before: Directory): Promise<[CID, CID][]> {
    const digits = (node.fanout - 1).toString(16).length
    const slots = Map.groupBy(before.entries, (entry) => entry.name.slice(0, digits))
    const pairs: [CID, CID][] = []
    for (const entry of node.entries) {
      const [old] = slots.get(entry.name.slice(0, digits)) ?? []
      if (old === undefined || entry.name.length > digits === old.name.length > digits) continue
      const now = new Map((await this.#below(entry, digits)).map((e) => [e.name, e.cid]))
      for (const { name, cid } of await this.#belowKept(old, digits)) {
        const at = now.get(name)
        if (at !== undefined && !at.equals(cid)) pairs.push([at, cid])
      }
    }
    return pairs
  }

  async #below(entry: NamedEntry, digits: number): Promise<NamedEntry[]> {
    if (entry.name.length > digits) return [{ ...entry, name: entry.name.slice(digits) }]
    const node = await this.#load(entry.cid)
    return isDirectory(node) ? this.#flatten(node) : []
  }

  async #belowKept(entry: NamedEntry, digits: number): Promise<NamedEntry[]> {
    const kept = entry.name.length > digits || (await this.#parts.isKept(entry.cid))
    return kept ? this.#below(entry, digits) : []
  }

  async #flatten(node: Directory): Promise<NamedEntry[]> {
    if (node.kind === 'directory') return [...node.entries]
    const digits = (node.fanout - 1).toString(16).length
    const nested = await Promise.all(node.entries.map((entry) => this.#below(entry, digits)))
    return nested.flat()
  }

  async #flattenKept(node: Directory): Promise<NamedEntry[]> {
    if (node.kind === 'directory') return [...node.entries]
    const digits = (node.fanout - 1).toString(16).length
    const nested = await Promise.all(node.entries.map((entry) => this.#belowKept(entry, digits)))
    return nested.flat()
  }

  #load(cid: CID): Promise<Node> {
    if (this.#left-- <= 0) throw new NodeFormatError(cid, 'a tree with too many nodes to follow')
    return this.#parts.reader.load(cid, this.#options)
  }
}

type Directory = Node & { kind: 'directory' | 'shard' }

function isDirectory(node: Node): node is Directory {
  return node.kind === 'directory' || node.kind === 'shard'
}

function sameFanout(a: Directory, b: Directory): boolean {
  return a.kind === 'shard' && b.kind === 'shard' && a.fanout === b.fanout
}
