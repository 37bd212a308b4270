import { TYPE, putNode, putRaw } from '../trees/blocks.ts'
import { putFileNode } from '../trees/files.ts'
import { dataOf, pickBlob, pickData, pickFolder, pickLink } from './scene.ts'
import type { Blocks, Made, UnixFsFields } from '../trees/blocks.ts'
import type { Count } from '../trees/protobuf.ts'
import type { Drawing } from '../trees/draft.ts'
import type { Mutation } from './scene.ts'

/** Lies about a file of two leaves: what its node says beside what would be right. */
type NodeLie = (right: UnixFsFields & { blocksizes: Count[] }) => UnixFsFields

const HUGE = 2n ** 63n - 1n

const NODE_LIES: Record<string, NodeLie> = {
  'a filesize of one more': (right) => ({ ...right, filesize: Number(right.filesize) + 1 }),
  'a filesize of one less': (right) => ({ ...right, filesize: Number(right.filesize) - 1 }),
  'no filesize': ({ filesize: _, ...right }) => right,
  'a filesize of 2^63 - 1': (right) => ({ ...right, filesize: HUGE }),
  'block sizes of one more': (right) => ({
    ...right,
    blocksizes: [Number(right.blocksizes[0]) + 1, right.blocksizes[1]!],
  }),
  'block sizes the wrong way round': (right) => ({
    ...right,
    blocksizes: right.blocksizes.toReversed(),
  }),
  'a block size of 0': (right) => ({ ...right, blocksizes: [0, right.blocksizes[1]!] }),
  'a block size of 2^63 - 1': (right) => ({ ...right, blocksizes: [HUGE, right.blocksizes[1]!] }),
  'a negative block size': (right) => ({ ...right, blocksizes: [-1n, right.blocksizes[1]!] }),
  'one block size for two links': (right) => ({ ...right, blocksizes: right.blocksizes.slice(1) }),
  'three block sizes for two links': (right) => ({
    ...right,
    blocksizes: [...right.blocksizes, 1],
  }),
  'no block sizes': ({ blocksizes: _, ...right }) => right,
  'data of its own': (right) => ({ ...right, data: Buffer.from('and this') }),
}

/** Draws a file as two leaves under a node that lies. */
function twoLeaves(bytes: Uint8Array, lie: NodeLie): Drawing {
  return (blocks) => {
    const middle = Math.max(1, Math.ceil(bytes.length / 3))
    const parts = [bytes.subarray(0, middle), bytes.subarray(middle)].map((part) =>
      putRaw(blocks, part),
    )
    const blocksizes = parts.map(({ size }) => size)
    const right = { type: TYPE.file, filesize: bytes.length, blocksizes }
    const links = parts.map(({ cid, tsize }) => ({ name: '', cid, tsize }))
    return { ...putNode(blocks, links, lie(right)), size: bytes.length }
  }
}

/** A file of so many bytes that costs next to nothing: each node links the one below it 1024 times. */
export function repeated(blocks: Blocks, levels: number, leaf: Uint8Array, width = 1024): Made {
  let made = putRaw(blocks, leaf)
  for (let level = 0; level < levels; level++)
    made = putFileNode(
      blocks,
      Array.from({ length: width }, () => made),
    )
  return made
}

const BOMBS: Record<string, (blocks: Blocks, truth: Uint8Array) => Made> = {
  'a petabyte in 197 KB': (blocks) => repeated(blocks, 4, Buffer.alloc(1024)),
  'half a terabyte': (blocks) => repeated(blocks, 2, Buffer.alloc(512 * 1024)),
  '64 GiB of one leaf': (blocks) => repeated(blocks, 2, Buffer.alloc(64 * 1024)),
  'its own size in leaves of one byte': (blocks, { length }) => {
    const leaf = putRaw(blocks, Buffer.from('x'))
    const parts = Array.from({ length: Math.min(9_000, Math.max(2, length)) }, () => leaf)
    return putFileNode(blocks, parts)
  },
  'its own bytes below 20,000 nodes': (blocks, truth) => {
    let made = putRaw(blocks, truth.subarray(0, 2 ** 20))
    for (let level = 0; level < 20_000; level++) made = putFileNode(blocks, [made])
    return made
  },
  '30,000 links': (blocks) => {
    const leaf = putRaw(blocks, Buffer.alloc(100))
    return putFileNode(
      blocks,
      Array.from({ length: 30_000 }, () => leaf),
    )
  },
  'a block of more than 2 MiB': (blocks) => putRaw(blocks, Buffer.alloc(2 * 2 ** 20 + 1, 'x')),
  'a node of more than 2 MiB': (blocks) => {
    const leaf = putRaw(blocks, Buffer.alloc(100))
    return putFileNode(
      blocks,
      Array.from({ length: 100_000 }, () => leaf),
    )
  },
}

const TSIZES: readonly (Count | undefined)[] = [0, 1, 2 ** 53, HUGE, undefined]

export const SIZES: readonly Mutation[] = [
  ...Object.entries(NODE_LIES).map(([what, lie]): Mutation => ({
    name: `a file has ${what}`,
    row: 'C05',
    apply(scene, dice) {
      const file = dice.nat(4) > 0 ? pickData(scene, dice) : pickLink(scene, dice)
      file.draw = twoLeaves(file.bytes, lie)
    },
  })),
  ...Object.entries(BOMBS).map(([what, bomb]): Mutation => ({
    name: `a file is ${what}`,
    row: what.startsWith('a block') || what.startsWith('a node') ? 'C07' : 'C03',
    apply(scene, dice) {
      const [isBlob, isLink] = [dice.nat(3) > 0, dice.nat(2) === 0]
      const blob = pickBlob(scene, dice)
      const file = isBlob
        ? dataOf(scene, blob.digest)
        : isLink
          ? pickLink(scene, dice)
          : pickData(scene, dice)
      file.draw = (blocks) => bomb(blocks, file.bytes)
    },
  })),
  {
    name: 'a link says another size',
    row: 'C05',
    apply(scene, dice) {
      const node = dice.nat(2) === 0 ? pickFolder(scene, dice) : pickData(scene, dice)
      const tsize = dice.pick(TSIZES)
      node.draw = async (_, honest) => ({ ...(await honest()), tsize })
    },
  },
]
