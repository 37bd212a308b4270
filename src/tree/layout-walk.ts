import { setImmediate } from 'node:timers/promises'
import { CID } from 'multiformats/cid'
import { LIMITS } from '../blocks/chunking.ts'
import { NodeFormatError, prefixLength } from '../blocks/nodes.ts'
import { isDamage } from './damage.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Entry, NamedEntry, Node } from '../blocks/nodes.ts'
import type { Digest } from '../oci/digest.ts'
import type { DirectoryReader } from './directory.ts'
import type { DirectoryPlace, Place } from './places.ts'

/** Nodes that are waited for at once. */
const WIDTH = 16

/** Entries that one walk may meet; a tree with more is refused rather than walked for ever. */
const MAX_ENTRIES = 20_000_000

/** Entries that may lie between those under way: what bounds the memory, at some 200 bytes each. */
const MAX_OPEN = 400_000

/** Entries in a row after which other work gets its turn. */
const IN_A_ROW = 1000

/** What a {@link LayoutWalk} is told to do. */
export interface WalkInit {
  /** Reads the tree. */
  readonly reader: DirectoryReader
  /** Reads the one before, from this disk alone. */
  readonly before?: DirectoryReader | undefined
  /** Only what has another entry in the tree before: what is new is passed over. */
  readonly onlyChanged?: boolean | undefined
  /**
   * Called for each file; several run at once.
   *
   * @param old what stood there in the tree before
   */
  readonly onData: (digest: Digest, file: Entry, old: CID | undefined) => Promise<void>
  readonly onLink: (linked: Digest | undefined, file: Entry) => Promise<void>
  /** A directory cannot be read. The walk goes on with the others, unless this throws. */
  readonly onUnreadable: (error: unknown) => void
}

/** Something to go into: a directory, or a part of a HAMT. */
interface Step {
  readonly cid: CID
  /** What was here in the tree before. */
  readonly old: CID | undefined
  readonly place: DirectoryPlace
  readonly shard?: { readonly fanout: number; readonly level: number } | undefined
}

/** A step or a file that waits, as text: a CID in memory is ten times its bytes. */
interface Waiting {
  readonly cid: string
  readonly old: string | undefined
  readonly treeSize: number
  readonly place: Place
  readonly shard?: Step['shard']
}

/**
 * Goes through everything of a tree that has a place in the layout, and by the side of it through a tree that was gone
 * through before: what is the same in both, as whole directories are, is passed over. So the cost is that of what is
 * different.
 *
 * The tree may be anybody's. Memory and time are bounded, other work gets its turn, and no more than a number of nodes
 * are waited for at once, however the tree is made: each step shares its width among those below it.
 */
export class LayoutWalk {
  readonly #init: WalkInit
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  #met = 0
  #open = 0

  constructor(init: WalkInit, { signal }: BlockOptions = {}) {
    this.#init = init
    const stop = this.#stop.signal
    this.#signal = signal === undefined ? stop : AbortSignal.any([signal, stop])
  }

  /**
   * @param root the tree, and what stands in it
   * @param before the tree that was gone through before
   * @throws what the callbacks throw
   */
  async run(root: CID, place: DirectoryPlace, before?: CID): Promise<void> {
    await this.#step({ cid: root, old: before, place }, WIDTH)
  }

  async #step(step: Step, width: number): Promise<void> {
    if (step.old?.equals(step.cid) === true) return
    if (this.#met > MAX_ENTRIES) throw new Error('the tree has too much in it to be gone through')
    const waiting = await this.#children(step)
    if (waiting === undefined) return
    const atOnce = Math.min(width, waiting.length)
    const below = Math.max(1, Math.floor(width / Math.max(1, waiting.length)))
    this.#hold(waiting.length)
    const worker = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        this.#hold(-1)
        await this.#child(next, below)
      }
    }
    // The first failure ends everything that is under way, and nothing is left running behind it.
    const fail = (error: unknown): void => this.#stop.abort(error)
    await Promise.all(Array.from({ length: atOnce }, () => worker().catch(fail)))
    this.#signal.throwIfAborted()
  }

  async #child({ cid, old, place, treeSize, shard }: Waiting, width: number): Promise<void> {
    this.#signal.throwIfAborted()
    const file = { cid: CID.parse(cid), treeSize }
    const before = old === undefined ? undefined : CID.parse(old)
    if (place.kind === 'data') return this.#init.onData(place.digest, file, before)
    if (place.kind === 'link') return this.#init.onLink(place.linked, file)
    await this.#step({ cid: file.cid, old: before, place, shard }, width)
  }

  /** What is to be gone into or looked at; `undefined` when the directory cannot be read. */
  async #children(step: Step): Promise<Waiting[] | undefined> {
    try {
      const node = await this.#load(step)
      const before = await this.#loadOld(step, node)
      const waiting: Waiting[] = []
      for (const entry of node.entries) {
        if (++this.#met % IN_A_ROW === 0) await setImmediate()
        const child = this.#wanted(step, node, entry, before)
        if (child !== undefined) waiting.push(child)
      }
      return waiting
    } catch (error) {
      this.#signal.throwIfAborted()
      this.#init.onUnreadable(error)
      return undefined
    }
  }

  #wanted(
    { place, shard }: Step,
    node: Directory,
    entry: NamedEntry,
    before: ReadonlyMap<string, CID>,
  ): Waiting | undefined {
    const digits = node.kind === 'shard' ? prefixLength(node.fanout) : 0
    const isPart = digits > 0 && entry.name.length === digits
    const there = isPart ? place : place.below(entry.name.slice(digits))
    if (there === undefined) return undefined
    const old = before.get(entry.name)
    if (this.#init.onlyChanged === true && old === undefined) return undefined
    // Of data, the directory also says a size; where that has changed, it is looked at again.
    if (old?.equals(entry.cid) === true && there.kind !== 'data') return undefined
    const level = (shard?.level ?? 0) + 1
    return {
      cid: entry.cid.toString(),
      old: old?.toString(),
      treeSize: entry.treeSize,
      place: there,
      shard: isPart && node.kind === 'shard' ? { fanout: node.fanout, level } : undefined,
    }
  }

  async #load({ cid, shard }: Step): Promise<Directory> {
    const node = await this.#init.reader.load(cid, { signal: this.#signal })
    if (node.kind !== 'directory' && node.kind !== 'shard')
      throw new NodeFormatError(cid, `a ${node.kind} where a directory should be`)
    if (shard === undefined) return node
    if (node.kind !== 'shard' || node.fanout !== shard.fanout)
      throw new NodeFormatError(cid, 'a HAMT whose parts do not fit together')
    if (shard.level >= LIMITS.hamtDepth)
      throw new NodeFormatError(cid, `a HAMT of more than ${LIMITS.hamtDepth} levels`)
    return node
  }

  /**
   * Entries of the node before, by the names in it, which for a HAMT begin with the slot. Where the two are of different
   * shape nothing matches, and everything below is gone through anew.
   */
  async #loadOld({ old }: Step, node: Directory): Promise<ReadonlyMap<string, CID>> {
    if (old === undefined || this.#init.before === undefined) return new Map()
    try {
      const before = await this.#init.before.load(old, { signal: this.#signal })
      return haveOneShape(before, node)
        ? new Map(before.entries.map(({ name, cid }) => [name, cid]))
        : new Map()
    } catch (error) {
      if (isDamage(error)) return new Map() // it only would have saved time
      throw error
    }
  }

  #hold(entries: number): void {
    this.#open += entries
    if (this.#open > MAX_OPEN)
      throw new Error('the tree is too wide and too deep to be gone through')
  }
}

type Directory = Node & { kind: 'directory' | 'shard' }

function haveOneShape(before: Node, node: Directory): before is Directory {
  if (before.kind === 'shard') return node.kind === 'shard' && before.fanout === node.fanout
  return before.kind === 'directory' && node.kind === 'directory'
}
