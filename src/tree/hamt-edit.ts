import { HAMT_FANOUT, LIMITS } from '../blocks/chunking.ts'
import { NodeFormatError, encodeShard, prefixLength } from '../blocks/nodes.ts'
import { RegistryError } from '../oci/errors.ts'
import { hashName, slotOf } from './hamt.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Entry, MadeNode, NamedEntry } from '../blocks/nodes.ts'
import type { DirectoryReader } from './directory.ts'
import type { CID } from 'multiformats/cid'

const DIGITS = prefixLength(HAMT_FANOUT)

/** Changes to one directory: a new entry under a name, or `undefined` to remove it. */
export type DirectoryChanges = ReadonlyMap<string, Entry | undefined>

/** Keeps a node that was made. */
export type PutNode = (node: MadeNode) => Promise<void>

/** A change on its way down: the name, its hash, and the new entry (`undefined` removes it). */
interface Change {
  name: string
  hash: Uint8Array
  entry: Entry | undefined
}

/** What a slot of a HAMT node holds. */
type Slot = { kind: 'name'; name: string; entry: Entry } | { kind: 'shard'; entry: Entry }

/** What is left of a part of a HAMT after changes: nothing, one name (which moves up), or a node. */
type Result = Slot | undefined

interface Context {
  reader: DirectoryReader
  put: PutNode
  options: BlockOptions | undefined
}

/**
 * Applies changes to a HAMT (or makes one), rewriting only the nodes on the way to them. Canonical: a node exists just
 * where two names share their hash so far, so adding and removing a name leaves no trace.
 *
 * @throws RegistryError DENIED when names collide in all 64 bits of their hash, which only happens on purpose
 */
export async function buildHamt(
  reader: DirectoryReader,
  put: PutNode,
  base: CID | undefined,
  changes: DirectoryChanges,
  options?: BlockOptions,
): Promise<Entry> {
  const context = { reader, put, options }
  const hashed = await Promise.all(
    [...changes].map(async ([name, entry]) => ({ name, entry, hash: await hashName(name) })),
  )
  const slots = base === undefined ? new Map<number, Slot>() : await readSlots(context, base)
  await applyChanges(context, slots, hashed, 0)
  return writeSlots(context, slots)
}

async function applyChanges(
  context: Context,
  slots: Map<number, Slot>,
  changes: readonly Change[],
  level: number,
): Promise<void> {
  const groups = Map.groupBy(changes, (change) => slotAt(change, level))
  for (const [index, group] of groups) {
    const slot = await changeSlot(context, slots.get(index), group, level)
    if (slot === undefined) slots.delete(index)
    else slots.set(index, slot)
  }
}

async function changeSlot(
  context: Context,
  slot: Slot | undefined,
  changes: readonly Change[],
  level: number,
): Promise<Result> {
  if (slot?.kind === 'shard') {
    const below = await readSlots(context, slot.entry.cid)
    return changeShard(context, below, changes, level + 1)
  }
  const names = new Map<string, Change>()
  if (slot !== undefined) names.set(slot.name, { ...slot, hash: await hashName(slot.name) })
  for (const change of changes) names.set(change.name, change)
  const left = [...names.values()].filter((change) => change.entry !== undefined)
  const [first] = left
  if (first?.entry === undefined) return undefined
  if (left.length === 1) return { kind: 'name', name: first.name, entry: first.entry }
  return changeShard(context, new Map(), left, level + 1)
}

async function changeShard(
  context: Context,
  slots: Map<number, Slot>,
  changes: readonly Change[],
  level: number,
): Promise<Result> {
  await applyChanges(context, slots, changes, level)
  if (slots.size === 0) return undefined
  const [only] = slots.values()
  if (slots.size === 1 && only?.kind === 'name') return only // a name alone belongs one level up
  return { kind: 'shard', entry: await writeSlots(context, slots) }
}

function slotAt(change: Change, level: number): number {
  const slot = level < LIMITS.hamtDepth ? slotOf(change.hash, level, HAMT_FANOUT) : undefined
  if (slot === undefined) {
    throw new RegistryError('DENIED', {
      message: 'this name collides with another one in a large directory; choose another name',
      detail: { name: change.name },
    })
  }
  return slot
}

async function readSlots(context: Context, cid: CID): Promise<Map<number, Slot>> {
  const node = await context.reader.load(cid, context.options)
  if (node.kind !== 'shard' || node.fanout !== HAMT_FANOUT) {
    throw new NodeFormatError(cid, 'not a HAMT node that we wrote')
  }
  return new Map(
    node.entries.map((entry) => [parseInt(entry.name.slice(0, DIGITS), 16), slotFrom(entry)]),
  )
}

function slotFrom({ name, cid, treeSize }: NamedEntry): Slot {
  const entry = { cid, treeSize }
  return name.length > DIGITS
    ? { kind: 'name', name: name.slice(DIGITS), entry }
    : { kind: 'shard', entry }
}

async function writeSlots(context: Context, slots: ReadonlyMap<number, Slot>): Promise<Entry> {
  const sorted = [...slots].sort(([a], [b]) => a - b)
  const entries = sorted.map(([index, slot]) => ({
    ...slot.entry,
    name:
      index.toString(16).toUpperCase().padStart(DIGITS, '0') +
      (slot.kind === 'name' ? slot.name : ''),
  }))
  const node = encodeShard(entries, bitfield(sorted.map(([index]) => index)))
  await context.put(node)
  return { cid: node.cid, treeSize: node.treeSize }
}

/** One bit for each slot in use, as a big-endian number without leading zero bytes: what Kubo writes. */
function bitfield(slots: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(HAMT_FANOUT / 8)
  for (const slot of slots) {
    const at = bytes.length - 1 - (slot >> 3)
    bytes[at] = (bytes[at] ?? 0) | (1 << (slot & 7))
  }
  return bytes.subarray(
    Math.max(
      bytes.findIndex((byte) => byte !== 0),
      0,
    ),
  )
}
