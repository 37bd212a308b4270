import { DamagedBlockError, MissingBlockError } from '../blocks/block-store.ts'
import { LIMITS } from '../blocks/chunking.ts'
import { sha256 } from '../blocks/cids.ts'
import { fileSize, readFile } from '../blocks/file-reader.ts'
import { LiveSet } from '../blocks/live-set.ts'
import { NodeFormatError, prefixLength } from '../blocks/nodes.ts'
import { readNode } from '../blocks/read-node.ts'
import { ContentCheck } from './content-check.ts'
import { DirectoryReader } from './directory.ts'
import { LINK_MAX_BYTES, decodeLink, layout } from './layout.ts'
import { LinkTargets } from './link-targets.ts'
import { NodeCache } from './node-cache.ts'
import { contextOf, factsOf } from './path-facts.ts'
import { RootView } from './view.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { NamedEntry, Node } from '../blocks/nodes.ts'
import type { Digest } from '../oci/digest.ts'
import type { Path } from './layout.ts'
import type { PathFacts } from './path-facts.ts'
import type { TreeCheckParts, TreeProblem } from './tree-problem.ts'
import type { CID } from 'multiformats/cid'

/** Memory for nodes that are looked into to find single files, in bytes. */
const CACHE_BYTES = 8 * 1024 * 1024

/** A place in the tree that is being checked. */
interface Spot {
  readonly cid: CID
  readonly path: Path
  readonly facts: PathFacts
  readonly shard?: { readonly fanout: number; readonly level: number } | undefined
}

/**
 * Checks our own trees: every node and every content, each once however many trees have it in common. What was found whole
 * with all that is below it is passed over in the next tree, at the cost of 25 to 45 bytes of memory; what was not is looked
 * at again. It goes on past whatever is wrong.
 *
 * Whether what a link names is there is looked at for the whole of the first tree, and in the others for what differs.
 */
export class TreeCheck {
  readonly #parts: TreeCheckParts
  readonly #contents: ContentCheck
  readonly #directories: DirectoryReader
  /** Nodes that are whole in their context with all below. */
  readonly #whole = new LiveSet()
  /** What the first tree's links name; later ones are looked for one by one. */
  #targets: LinkTargets | undefined
  #view: RootView
  #at: Path = []

  /** @param first the tree that is checked first */
  constructor(parts: TreeCheckParts, first: CID) {
    this.#parts = parts
    this.#contents = new ContentCheck(parts, (problem) => this.#tell(problem))
    this.#directories = new DirectoryReader(parts.blocks, new NodeCache(CACHE_BYTES))
    this.#view = new RootView(first, this.#directories)
  }

  /** Where the check is. */
  get at(): Path {
    return this.#at
  }

  /** @throws the disk's error; the signal's reason */
  async first(options: BlockOptions): Promise<void> {
    const targets = new LinkTargets()
    this.#targets = targets
    await this.#root(this.#view.root, options)
    this.#targets = undefined
    if (!targets.areAllThere) await this.#findMissing(targets, options)
  }

  /** The same for a further tree. */
  async next(root: CID, options: BlockOptions): Promise<void> {
    this.#view = new RootView(root, this.#directories)
    await this.#root(root, options)
  }

  async #root(cid: CID, options: BlockOptions): Promise<void> {
    await this.#spot({ cid, path: [], facts: factsOf([]) }, options)
  }

  #tell(problem: Omit<TreeProblem, 'path'>): void {
    this.#parts.onProblem({ ...problem, path: this.#at })
  }

  /** Notes what is wrong with a part of the tree. @throws anything else */
  #note(error: unknown, cid: CID): false {
    if (error instanceof DamagedBlockError || error instanceof MissingBlockError)
      this.#tell({ kind: 'block', message: error.message, cid: error.cid })
    else if (error instanceof NodeFormatError)
      this.#tell({ kind: 'directory', message: error.message, cid })
    else throw error
    return false
  }

  /** @returns whether it is whole, with all that is below it */
  async #spot(spot: Spot, options: BlockOptions): Promise<boolean> {
    const { cid, path, facts, shard } = spot
    const key = sha256(Buffer.from(`${shard?.level ?? ''} ${contextOf(path)} ${cid}`))
    if (this.#whole.has(key)) return true
    await this.#parts.pace.turn(options)
    this.#at = path
    let whole
    try {
      whole =
        facts.kind === 'link' ? await this.#link(spot, options) : await this.#node(spot, options)
    } catch (error) {
      this.#at = path
      whole = this.#note(error, cid)
    }
    if (whole) this.#whole.add(key)
    return whole
  }

  async #node(spot: Spot, options: BlockOptions): Promise<boolean> {
    const { cid, facts, shard } = spot
    const node = await readNode(this.#parts.blocks, cid, options)
    if (node.kind === 'directory' || node.kind === 'shard')
      return this.#directory(spot, node, options)
    if (facts.kind === 'directory' || shard !== undefined)
      throw new NodeFormatError(cid, `a ${node.kind} where a directory should be`)
    return this.#contents.look(cid, options) // not of the layout: only its blocks are looked at
  }

  async #directory(spot: Spot, node: Directory, options: BlockOptions): Promise<boolean> {
    const { cid, path, facts, shard } = spot
    checkShard(cid, node, shard)
    this.#parts.counts.directories++
    const { holds } = facts
    let whole = true
    if (holds !== undefined && shard === undefined) {
      whole = (await this.#directories.lookup(cid, holds, options)) !== undefined
      if (!whole) this.#tell({ kind: 'directory', message: `there is no ${holds} in it`, cid })
    }
    const digits = node.kind === 'shard' ? prefixLength(node.fanout) : 0
    for (const entry of inOrder(node.entries)) {
      const isPart = digits > 0 && entry.name.length === digits
      const isWhole = isPart
        ? await this.#spot({ ...spot, cid: entry.cid, shard: below(node, shard) }, options)
        : await this.#entry(entry, [...path, entry.name.slice(digits)], options)
      whole &&= isWhole
    }
    return whole
  }

  async #entry(entry: NamedEntry, path: Path, options: BlockOptions): Promise<boolean> {
    const { cid } = entry
    const facts = factsOf(path)
    if (facts.kind !== 'data') return this.#spot({ cid, path, facts }, options)
    const { digest } = facts
    if (digest === undefined) return false // `factsOf` tells it with every data
    this.#targets?.isThere(digest)
    const isManifest = this.#targets?.isManifest(digest) ?? false
    this.#at = path
    return this.#contents.check({ digest, entry, isManifest }, options)
  }

  async #link({ cid, facts }: Spot, options: BlockOptions): Promise<boolean> {
    const { blocks, counts } = this.#parts
    counts.links++
    const size = await fileSize(blocks, cid, options)
    const bytes =
      size > LINK_MAX_BYTES ? undefined : await Array.fromAsync(readFile(blocks, cid, options))
    const digest = bytes && decodeLink(Buffer.concat(bytes))
    const wanted = facts.digest
    if (digest === undefined || (wanted !== undefined && wanted !== digest)) {
      const held = digest ?? 'no digest'
      this.#tell({
        kind: 'link',
        message: `it holds ${held}${wanted === undefined ? '' : `, and not ${wanted}`}`,
        cid,
      })
      return false
    }
    const { repository: name, tag, links } = facts
    if (tag !== undefined && wanted === undefined && name !== undefined) {
      const revision = await this.#view.file(layout.link(layout.revision(name, digest)), options)
      if (revision !== undefined) return true
      this.#tell({
        kind: 'link',
        message: `the manifest ${digest} that the tag points to is not in the repository`,
        cid,
      })
      return false
    }
    // What a tag ever pointed to, and referrers, may be gone.
    if (links === undefined) return true
    if (this.#targets === undefined) return this.#target({ cid, digest, links }, options)
    this.#targets.want(digest, links)
    return true
  }

  /** Looks for what a link names. */
  async #target(
    { cid, digest, links }: { cid: CID; digest: Digest; links: 'blob' | 'manifest' },
    options: BlockOptions,
  ): Promise<boolean> {
    const entry = await this.#view.file(layout.blobData(digest), options)
    if (entry !== undefined)
      return links === 'blob' || this.#contents.check({ digest, entry, isManifest: true }, options)
    this.#tell({ kind: 'link', message: `the bytes of ${digest} are not in the tree`, cid })
    return false
  }

  /** Something that a link names is not there: goes through all links again to find it. */
  async #findMissing(targets: LinkTargets, options: BlockOptions): Promise<void> {
    const search = async (path: Path): Promise<void> => {
      const directory = await this.#view.file(path, options)
      if (directory === undefined) return
      for await (const { name, cid } of this.#directories.list(directory.cid, options)) {
        await this.#parts.pace.turn(options)
        const there = [...path, name]
        this.#at = there
        const facts = factsOf(there)
        await this.#tolerant(cid, async () => {
          if (facts.kind === 'directory') return search(there)
          const { kind, digest, links } = facts
          if (kind !== 'link' || digest === undefined || links === undefined) return
          if (!targets.has(digest)) await this.#target({ cid, digest, links }, options)
        })
      }
    }
    await this.#tolerant(this.#view.root, () => search(layout.repositories))
  }

  async #tolerant(cid: CID, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#note(error, cid)
    }
  }
}

type Directory = Node & { kind: 'directory' | 'shard' }

/** What links name is known before the bytes are looked at. */
function inOrder(entries: readonly NamedEntry[]): readonly NamedEntry[] {
  return entries.some(({ name }) => name === 'repositories') ? entries.toReversed() : entries
}

function below(node: Directory, shard: Spot['shard']): Spot['shard'] {
  return node.kind === 'shard' ? { fanout: node.fanout, level: (shard?.level ?? 0) + 1 } : undefined
}

function checkShard(cid: CID, node: Directory, shard: Spot['shard']): void {
  if (shard === undefined) return
  if (node.kind !== 'shard' || node.fanout !== shard.fanout)
    throw new NodeFormatError(cid, 'a HAMT whose parts do not fit together')
  if (shard.level >= LIMITS.hamtDepth)
    throw new NodeFormatError(cid, `a HAMT of more than ${LIMITS.hamtDepth} levels`)
}
