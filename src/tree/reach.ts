import { setImmediate } from 'node:timers/promises'
import { DAG_PB, RAW, cidFromHash } from '../blocks/cids.ts'
import { LiveSet } from '../blocks/live-set.ts'
import { linksOf } from '../blocks/node-links.ts'
import { Pace } from '../blocks/pace.ts'
import { isDamage } from './damage.ts'
import { Marker } from './mark.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { NodeLink } from '../blocks/node-links.ts'
import type { CID } from 'multiformats/cid'

/** Nodes that are looked into before other work gets its turn: those in memory are read without leaving it. */
const NODES_IN_A_ROW = 100

type ReadBlock = (cid: CID) => Promise<Uint8Array>

/**
 * The blocks of a tree that do not stand at the same place in the tree before: all that are new in it, and perhaps some
 * that were elsewhere. What is the same on both sides is not looked into, so it costs what differs.
 *
 * @throws what keeps a node from being read
 */
export async function* newBlocks(
  read: ReadBlock,
  root: CID,
  before: CID | undefined,
  options: BlockOptions = {},
): AsyncGenerator<CID> {
  const stack: { cid: CID; old: CID | undefined }[] = [{ cid: root, old: before }]
  let nodes = 0
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { cid, old } = next
    if (old?.equals(cid) === true) continue
    options.signal?.throwIfAborted()
    yield cid
    if (cid.code === RAW) continue
    if (++nodes % NODES_IN_A_ROW === 0) await setImmediate()
    const links = linksOf(await read(cid))
    const there = old === undefined || old.code === RAW ? [] : linksOf(await read(old))
    const known = new Set(there.map(({ hash }) => hex(hash)))
    const named = new Map(there.map((link) => [hex(link.name), link]))
    for (const link of links) {
      if (known.has(hex(link.hash))) continue
      const same = link.name.length === 0 ? undefined : named.get(hex(link.name))
      stack.push({ cid: cidOf(link), old: same && cidOf(same) })
    }
  }
}

/** What {@link lostBlocks} compares. */
interface Trees {
  readonly now: CID
  readonly others: readonly CID[]
  /** Trees of earlier commits, as far as they can be read. */
  readonly history: AsyncIterable<{ readonly public: CID }>
}

/**
 * The blocks that are in other trees and nowhere in the tree as it is now. Reads every node once.
 *
 * @returns their hashes in hex
 * @throws what keeps a node from being read
 */
export async function lostBlocks(
  read: ReadBlock,
  { now, others, history }: Trees,
  options: BlockOptions = {},
): Promise<string[]> {
  const [live, pace] = [new LiveSet(), new Pace(1)]
  const marker = new Marker({ live, read, pace })
  await marker.mark(now, options)
  const lost: string[] = []
  const onNew = (hash: Uint8Array): void => void lost.push(hex(hash))
  for (const other of others) await marker.mark(other, { ...options, onNew })
  const past = new Marker({ live, read: (cid) => ifWhole(read, cid), pace })
  for await (const { public: root } of history)
    await past.mark(root, { ...options, onNew, isPartial: true })
  return lost
}

async function ifWhole(read: ReadBlock, cid: CID): Promise<Uint8Array | undefined> {
  try {
    return await read(cid)
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
}

/** A block's hash, which is its name in the store. */
export function hexOf({ multihash }: CID): string {
  return hex(multihash.digest)
}

function cidOf({ hash, isLeaf }: NodeLink): CID {
  return cidFromHash(isLeaf ? RAW : DAG_PB, Uint8Array.from(hash))
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
