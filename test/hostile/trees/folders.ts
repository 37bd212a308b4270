import { hashName, slotOf } from '../../../src/tree/hamt.ts'
import { TYPE, putNode } from './blocks.ts'
import type { Blocks, Link, Made } from './blocks.ts'

/** The multihash code of murmur3-x64-64. */
const MURMUR = 0x22

/** How a folder is written: in one block, or as a HAMT of so many slots. */
export type FolderShape = 'flat' | 8 | 16 | 256

/** Draws a folder honestly; in a flat one names may also be bytes. */
export async function drawFolder(
  blocks: Blocks,
  links: readonly Link[],
  shape: FolderShape,
): Promise<Made> {
  if (shape === 'flat') return putNode(blocks, links, { type: TYPE.directory })
  const hashed = links.map(async (link) => {
    const name = Buffer.from(link.name ?? '').toString()
    return { name, link, hash: await hashName(name) }
  })
  return drawShard(blocks, await Promise.all(hashed), shape, 0)
}

/** The slot number as it stands before a name. */
export function slotPrefix(slot: number, fanout: number): string {
  const digits = (fanout - 1).toString(16).length
  return slot.toString(16).toUpperCase().padStart(digits, '0')
}

/** Puts a HAMT node, whatever its links. */
export function putShard(blocks: Blocks, links: readonly Link[], fanout: number | bigint): Made {
  const data = new Uint8Array(Math.max(1, Math.min(128, Number(fanout) / 8)))
  return putNode(blocks, links, { type: TYPE.shard, data, hashType: MURMUR, fanout })
}

interface Hashed {
  readonly name: string
  readonly link: Link
  readonly hash: Uint8Array
}

function drawShard(
  blocks: Blocks,
  entries: readonly Hashed[],
  fanout: number,
  level: number,
): Made {
  const slots = Map.groupBy(entries, ({ hash }) => slotOf(hash, level, fanout) ?? 0)
  const links = [...slots]
    .toSorted(([a], [b]) => a - b)
    .map(([slot, inside]): Link => {
      const prefix = slotPrefix(slot, fanout)
      const [only] = inside
      if (inside.length === 1 && only !== undefined)
        return { ...only.link, name: prefix + only.name }
      const { cid, tsize } = drawShard(blocks, inside, fanout, level + 1)
      return { name: prefix, cid, tsize }
    })
  return putShard(blocks, links, fanout)
}
