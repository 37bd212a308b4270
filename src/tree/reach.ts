import { DAG_PB, RAW, cidFromHash } from '../blocks/cids.ts'
import { LiveSet } from '../blocks/live-set.ts'
import { linksOf } from '../blocks/node-links.ts'
import { Pace } from '../blocks/pace.ts'
import { Marker } from './mark.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { NodeLink } from '../blocks/node-links.ts'
import type { CID } from 'multiformats/cid'

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
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { cid, old } = next
    if (old?.equals(cid) === true) continue
    options.signal?.throwIfAborted()
    yield cid
    if (cid.code === RAW) continue
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

/**
 * The blocks that are in other trees and nowhere in the tree as it is now. Reads every node of the tree as it is.
 *
 * @throws what keeps a node from being read
 */
export async function lostBlocks(
  read: ReadBlock,
  others: readonly CID[],
  now: CID,
  options: BlockOptions = {},
): Promise<CID[]> {
  const live = new LiveSet()
  await new Marker({ live, read, pace: new Pace(1) }).mark(now, options)
  const lost: CID[] = []
  for (const other of others)
    for await (const cid of newBlocks(read, other, now, options))
      if (!live.has(cid.multihash.digest)) lost.push(cid)
  return lost
}

function cidOf({ hash, isLeaf }: NodeLink): CID {
  return cidFromHash(isLeaf ? RAW : DAG_PB, Uint8Array.from(hash))
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
