import { LIMITS } from './chunking.ts'
import { RAW } from './cids.ts'
import { eachOf } from './gate.ts'
import { NodeFormatError } from './nodes.ts'
import { readNode } from './read-node.ts'
import type { BlockOptions } from './block-store.ts'
import type { Gate } from './gate.ts'
import type { KeptBlocks } from './kept-blocks.ts'
import type { FilePart, Node } from './nodes.ts'
import type { CID } from 'multiformats/cid'

/** How the blocks of a file are gathered. */
export interface GatherOptions extends BlockOptions {
  /** Shared by everything that is fetched at the same time. */
  readonly gate: Gate
  /** Told of file bytes as they are found to be here, or come. */
  readonly onBytes?: ((bytes: number) => void) | undefined
}

/** Parts of one node that wait at the gate. */
const AT_ONCE = 16

/**
 * Brings all blocks of a file to this disk, those that are here already at the price of a look. Leaves come in random
 * order, so that several nodes which gather the same file have different parts for each other.
 *
 * It reads nothing of what the leaves hold: whether the whole is what a digest claims, {@link readFile} tells afterwards.
 *
 * @throws NodeFormatError when the file breaks the rules for files, and what the source throws
 */
export async function gatherFile(
  source: KeptBlocks,
  { cid, size }: FilePart,
  options: GatherOptions,
): Promise<void> {
  const left = { parts: Math.ceil(size / LIMITS.meanLeafBytes) + LIMITS.links }
  await new Gathering(source, options, left).part({ cid, size }, 0)
}

class Gathering {
  readonly #source: KeptBlocks
  readonly #options: GatherOptions
  /** As many parts as the size of the file justifies; one that has more is refused, as it is by a reader. */
  readonly #left: { parts: number }

  constructor(source: KeptBlocks, options: GatherOptions, left: { parts: number }) {
    this.#source = source
    this.#options = options
    this.#left = left
  }

  async part(part: FilePart, depth: number): Promise<void> {
    if (part.cid.code === RAW) return this.#leaf(part)
    if (depth > LIMITS.fileDepth) throw new NodeFormatError(part.cid, 'a file nested too deeply')
    const node = await this.#load(part)
    if (node.kind === 'leaf') this.#options.onBytes?.(node.size)
    else if (node.kind === 'file') await this.#parts(part.cid, node.parts, depth)
  }

  async #parts(cid: CID, parts: readonly FilePart[], depth: number): Promise<void> {
    this.#left.parts -= parts.length
    if (this.#left.parts < 0) throw new NodeFormatError(cid, 'a file of too many small parts')
    // Nodes with more below them are gone into one after the other: side by side they could become any number.
    const inner: FilePart[] = []
    await eachOf(shuffled(parts), AT_ONCE, async (part) => {
      if (part.cid.code === RAW) return this.#leaf(part)
      const node = await this.#load(part)
      if (node.kind === 'leaf') this.#options.onBytes?.(node.size)
      else inner.push(part)
    })
    for (const part of inner) await this.part(part, depth + 1)
  }

  async #leaf(part: FilePart): Promise<void> {
    const here = await this.#source.size(part.cid)
    const size = here ?? (await this.#get(part.cid)).length
    if (size !== part.size) throw wrongSize(part, size)
    this.#options.onBytes?.(size)
  }

  async #load(part: FilePart): Promise<Node> {
    const node = await readNode({ get: (cid) => this.#get(cid) }, part.cid)
    if (node.kind !== 'leaf' && node.kind !== 'file')
      throw new NodeFormatError(part.cid, `a ${node.kind} inside a file`)
    if (node.size !== part.size) throw wrongSize(part, node.size)
    return node
  }

  #get(cid: CID): Promise<Uint8Array> {
    const { gate, signal } = this.#options
    return gate.run(() => this.#source.get(cid, { signal }), { signal })
  }
}

function wrongSize({ cid, size }: FilePart, actual: number): NodeFormatError {
  return new NodeFormatError(cid, `${actual} bytes where the node above says ${size}`)
}

/** In random order (Fisher and Yates). */
function shuffled<T>(items: readonly T[]): T[] {
  const copy = [...items]
  for (let last = copy.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1))
    const [a, b] = [copy[last] as T, copy[other] as T]
    copy[last] = b
    copy[other] = a
  }
  return copy
}
