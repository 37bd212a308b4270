import { TYPE, putNode, putRaw } from './blocks.ts'
import type { Blocks, Made } from './blocks.ts'

const KiB = 1024

/** How a file is cut: as we do it, as Kubo did for years, or smaller than anybody does. */
export type FileStyle = 'ours' | 'kubo' | 'fine'

const STYLES = {
  ours: { chunk: 1024 * KiB, links: 1024, isRaw: true },
  kubo: { chunk: 256 * KiB, links: 174, isRaw: false },
  fine: { chunk: 64 * KiB, links: 8, isRaw: true },
} as const

/** Draws a file honestly. */
export function drawFile(blocks: Blocks, bytes: Uint8Array, style: FileStyle): Made {
  const { chunk, links, isRaw } = STYLES[style]
  const leaves: Made[] = []
  for (let at = 0; at < Math.max(1, bytes.length); at += chunk) {
    const part = bytes.subarray(at, at + chunk)
    leaves.push(isRaw ? putRaw(blocks, part) : putLeafNode(blocks, part))
  }
  return join(blocks, leaves, links)
}

/** A leaf that is a dag-pb node. */
export function putLeafNode(blocks: Blocks, data: Uint8Array): Made {
  return putNode(blocks, [], { type: TYPE.file, data, filesize: data.length })
}

/** An inner node over parts. */
export function putFileNode(blocks: Blocks, parts: readonly Made[]): Made {
  const blocksizes = parts.map(({ size }) => size)
  const filesize = blocksizes.reduce<bigint>((sum, size) => sum + BigInt(size), 0n)
  return putNode(
    blocks,
    parts.map(({ cid, tsize }) => ({ name: '', cid, tsize })),
    { type: TYPE.file, filesize, blocksizes },
  )
}

function join(blocks: Blocks, parts: readonly Made[], links: number): Made {
  if (parts.length === 1) return parts[0]!
  const above: Made[] = []
  for (let at = 0; at < parts.length; at += links)
    above.push(putFileNode(blocks, parts.slice(at, at + links)))
  return join(blocks, above, links)
}
