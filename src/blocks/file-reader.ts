import { setImmediate } from 'node:timers/promises'
import { LIMITS } from './chunking.ts'
import { RAW } from './cids.ts'
import { NodeFormatError } from './nodes.ts'
import { readNode } from './read-node.ts'
import type { BlockOptions } from './block-store.ts'
import type { BlockSource } from './block-source.ts'
import type { FilePart, Node } from './nodes.ts'
import type { ByteRange } from '../registry/ports.ts'
import type { CID } from 'multiformats/cid'

/** Options of a read. */
export interface ReadOptions extends BlockOptions {
  /** Only these bytes; they must lie within the file. */
  range?: ByteRange | undefined
  /**
   * Bytes to hand out at a time, each time read when they are asked for: nothing else is kept in memory then. Absent: leaf
   * by leaf, some read ahead.
   */
  piece?: number | undefined
}

/**
 * Leaves that are handed out before other work gets its turn: those that are in memory come without a wait, and a hostile
 * file has thousands of one byte. Of whole ones these are 64 MiB.
 */
const IN_A_ROW = 64

/** A part of a file that is wanted: the leaf or subtree, and which of its bytes. */
interface Wanted extends FilePart {
  /** First byte wanted of the part. */
  from: number
  /** First byte no longer wanted. */
  to: number
}

/**
 * The size of a file in bytes, from its root block alone.
 *
 * @throws NodeFormatError when the CID is not a file's
 */
export async function fileSize(
  source: BlockSource,
  cid: CID,
  options: BlockOptions = {},
): Promise<number> {
  if (cid.code === RAW) {
    const size = await source.size(cid, options)
    if (size !== undefined) return size
  }
  return sizeOf(cid, await readNode(source, cid, options))
}

/**
 * Streams a file, or a range of it, reading a bounded number of leaves ahead and only those it needs. Each node is
 * checked before it is used: sizes must add up on every level, so a file can be neither longer nor shorter than its
 * root says, and never costs more blocks than its size justifies.
 */
export async function* readFile(
  source: BlockSource,
  cid: CID,
  options: ReadOptions = {},
): AsyncGenerator<Uint8Array> {
  using _ = source.hold?.(cid)
  // Of a leaf that is handed out in pieces not all is read.
  const isLeaf = cid.code === RAW && options.piece !== undefined
  const root = isLeaf ? undefined : await nodeOf(source, cid, options)
  const size = root === undefined ? await fileSize(source, cid, options) : sizeOf(cid, root)
  const range = options.range ?? { offset: 0, length: size }
  if (range.offset < 0 || range.length < 0 || range.offset + range.length > size) {
    throw new RangeError(`bytes ${range.offset}+${range.length} of a file of ${size}`)
  }
  if (range.length === 0) return
  const wanted = { cid, size, from: range.offset, to: range.offset + range.length }
  const ended = new AbortController()
  const state = { depth: 0, budget: new Budget(cid, size), options, ended: ended.signal }
  try {
    const leaves =
      root === undefined ? leavesOf(source, wanted, options) : walk(source, wanted, root, state)
    const ahead = options.piece === undefined ? source.readAhead : 0
    for await (const bytes of readAhead(leaves, ahead)) {
      options.signal?.throwIfAborted()
      yield bytes
    }
  } finally {
    ended.abort(new Error('the file is not read any longer'))
  }
}

/**
 * Yields the CIDs of all blocks of a file, reading only its inner nodes: one for every 1024 leaves of ours.
 *
 * @throws as {@link readFile}
 */
export async function* fileBlocks(
  source: BlockSource,
  cid: CID,
  options: BlockOptions = {},
  depth = 0,
): AsyncGenerator<CID> {
  yield cid
  if (cid.code === RAW) return
  if (depth > LIMITS.fileDepth) throw new NodeFormatError(cid, 'a file nested too deeply')
  const node = await readNode(source, cid, options)
  if (node.kind !== 'file') return
  for (const part of node.parts) yield* fileBlocks(source, part.cid, options, depth + 1)
}

/** A leaf on its way: the promise of its bytes, already cut to what is wanted. */
type PendingLeaf = () => Promise<Uint8Array>

interface Walk {
  depth: number
  budget: Budget
  options: ReadOptions
  /** Aborted when the read is over, however it ended. */
  ended: AbortSignal
}

/**
 * Counts the parts of one file that a read touches, and refuses the file whose parts are tiny: 197 KB of blocks can
 * declare a petabyte, and a file of one-byte leaves makes us work a million times for a megabyte.
 */
class Budget {
  #left: number
  readonly #cid: CID

  constructor(cid: CID, size: number) {
    this.#cid = cid
    this.#left = Math.ceil(size / LIMITS.meanLeafBytes) + LIMITS.links
  }

  spend(parts: number): void {
    this.#left -= parts
    if (this.#left < 0) throw new NodeFormatError(this.#cid, 'a file of too many small parts')
  }
}

/** Yields the wanted leaves in file order, not yet read. Inner nodes are read when the walk comes to them. */
async function* walk(
  source: BlockSource,
  wanted: Wanted,
  node: Node,
  state: Walk,
): AsyncGenerator<PendingLeaf> {
  if (node.kind === 'leaf') {
    yield async () => node.bytes.subarray(wanted.from, wanted.to)
    return
  }
  if (node.kind !== 'file') throw new NodeFormatError(wanted.cid, `a ${node.kind} inside a file`)
  if (state.depth >= LIMITS.fileDepth)
    throw new NodeFormatError(wanted.cid, 'a file nested too deeply')
  state.budget.spend(node.parts.length)
  const parts = [...overlapping(node.parts, wanted)]
  const leaves = parts.filter((part) => part.cid.code === RAW)
  if (leaves.length > source.readAhead) {
    const cids = leaves.map((part) => part.cid)
    source.prefetch?.(cids, state.ended)
  }
  for (const part of parts) {
    if (part.cid.code === RAW) {
      yield* leavesOf(source, part, state.options)
    } else {
      const child = await nodeOf(source, part.cid, state.options)
      checkSize(part, sizeOf(part.cid, child))
      yield* walk(source, part, child, { ...state, depth: state.depth + 1 })
    }
  }
}

async function readLeaf(
  source: BlockSource,
  part: Wanted,
  options: ReadOptions,
): Promise<Uint8Array> {
  const bytes = await source.get(part.cid, options)
  checkSize(part, bytes.length)
  return bytes.subarray(part.from, part.to)
}

/** A node of a file. When the file is read in many small parts it is remembered. */
async function nodeOf(source: BlockSource, cid: CID, options: ReadOptions): Promise<Node> {
  const nodes = options.piece === undefined || cid.code === RAW ? undefined : source.nodes
  const known = nodes?.get(cid)
  if (known !== undefined) return known
  const node = await readNode(source, cid, options)
  nodes?.keep(cid, node)
  return node
}

/** A leaf, as a whole or in pieces. */
function* leavesOf(
  source: BlockSource,
  part: Wanted,
  options: ReadOptions,
): Generator<PendingLeaf> {
  if (isCut(part, options)) yield* cut(source, part, options)
  else yield () => readLeaf(source, part, options)
}

/** Whether a leaf is handed out in several pieces, or only a part of it is wanted. */
function isCut({ from, to, size }: Wanted, { piece }: ReadOptions): boolean {
  return piece !== undefined && (to - from > piece || to - from < size)
}

/** A leaf in pieces, which begin where a whole number of them would: that is how they are checked. */
function* cut(source: BlockSource, part: Wanted, options: ReadOptions): Generator<PendingLeaf> {
  const { piece = part.size } = options
  for (let from = part.from; from < part.to;) {
    const to = Math.min(part.to, from - (from % piece) + piece)
    const wanted = { ...part, from, to }
    yield () => readPiece(source, wanted, options)
    from = to
  }
}

async function readPiece(
  source: BlockSource,
  part: Wanted,
  options: ReadOptions,
): Promise<Uint8Array> {
  const range = { offset: part.from, length: part.to - part.from }
  const found = await source.part?.(part.cid, range, options)
  // A view of the leaf would keep all of it in memory.
  if (found === undefined) return Uint8Array.from(await readLeaf(source, part, options))
  checkSize(part, found.size)
  return found.bytes
}

function checkSize(part: FilePart, actual: number): void {
  if (actual !== part.size) {
    throw new NodeFormatError(part.cid, `${actual} bytes where the node above says ${part.size}`)
  }
}

function* overlapping(parts: readonly FilePart[], wanted: Wanted): Generator<Wanted> {
  let start = 0
  for (const part of parts) {
    const from = Math.max(wanted.from - start, 0)
    const to = Math.min(wanted.to - start, part.size)
    if (from < to) yield { ...part, from, to }
    start += part.size
    if (start >= wanted.to) return
  }
}

/**
 * Keeps up to `ahead` leaves in flight beyond the one handed out, and asks for another only when one is taken: a slow
 * reader holds still, and a reader that leaves stops the reading.
 */
async function* readAhead(
  leaves: AsyncIterable<PendingLeaf> | Iterable<PendingLeaf>,
  ahead: number,
): AsyncGenerator<Uint8Array> {
  const flying: Promise<Uint8Array>[] = []
  let count = 0
  for await (const leaf of leaves) {
    if (++count % IN_A_ROW === 0) await setImmediate()
    const bytes = leaf()
    bytes.catch(() => undefined) // awaited below in order; a failure must not count as unhandled until then
    flying.push(bytes)
    if (flying.length > ahead) yield await take(flying)
  }
  while (flying.length > 0) yield await take(flying)
}

function take(flying: Promise<Uint8Array>[]): Promise<Uint8Array> {
  const first = flying.shift()
  if (first === undefined) throw new Error('nothing is being read') // both callers have checked
  return first
}

function sizeOf(cid: CID, node: Node): number {
  if (node.kind === 'leaf' || node.kind === 'file') return node.size
  throw new NodeFormatError(cid, `a ${node.kind} where a file should be`)
}
