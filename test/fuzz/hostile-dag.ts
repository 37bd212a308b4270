import * as dagPb from '@ipld/dag-pb'
import fc from 'fast-check'
import { UnixFS } from 'ipfs-unixfs'
import { DAG_PB, RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { MemoryBlocks } from '../support/memory-blocks.ts'
import type { CID } from 'multiformats/cid'

const HEX = 'a'.repeat(64)

/** Names of the registry's layout, those that would lead out of a directory, and those of a HAMT. */
const NAMES = [
  ...[
    'docker',
    'registry',
    'v2',
    'repositories',
    'blobs',
    'app',
    'a',
    'b',
    '_layers',
    '_manifests',
  ],
  ...[
    'tags',
    'revisions',
    'referrers',
    'current',
    'index',
    'link',
    'data',
    'sha256',
    'aa',
    HEX,
    'v1',
  ],
  ...['..', '.', '', '/', 'a/b', '/etc/x', '../x', 'a\0b', 'a\r\nb', '-x', 'A', 'é', '__proto__'],
  ...['00', '7F', 'FF', '00link', '7Fdata', 'FFapp', 'ff', '0', 'a'.repeat(300)],
]

/** A node that links nodes made before it: `to` counts back from it. */
interface NodePlan {
  kind: 'leaf' | 'file' | 'directory' | 'hamt-sharded-directory' | 'raw' | 'symlink'
  text: string
  links: { name: string; to: number; size: 'right' | 'wrong' }[]
  fanout: number
}

const node: fc.Arbitrary<NodePlan> = fc.record({
  kind: fc.constantFrom<NodePlan['kind'][]>(
    ...(['leaf', 'leaf', 'file', 'file', 'directory', 'directory', 'directory'] as const),
    ...(['hamt-sharded-directory', 'raw', 'symlink'] as const),
  ),
  text: fc.oneof(fc.string({ maxLength: 20 }), fc.constant(`sha256:${HEX}`)),
  links: fc.array(
    fc.record({
      name: fc.constantFrom(...NAMES),
      to: fc.nat(11),
      size: fc.constantFrom('right', 'right', 'right', 'wrong'),
    }),
    { maxLength: 4 },
  ),
  fanout: fc.constantFrom(0, 8, 256, 256),
})

/** A heap of nodes that link each other as it comes. */
export const nodePlans = fc.array(node, { minLength: 1, maxLength: 12 })

interface Made {
  cid: CID
  size: number
}

/** Makes the blocks, and gives all their CIDs, the last one first. One in a while is missing. */
export async function makeDag(
  plans: readonly NodePlan[],
  missing: number,
): Promise<{ blocks: MemoryBlocks; cids: CID[] }> {
  const blocks = new MemoryBlocks()
  const made: Made[] = []
  for (const [index, plan] of plans.entries()) {
    const { bytes, size } = encode(plan, made)
    const cid = cidFromHash(plan.kind === 'leaf' ? RAW : DAG_PB, sha256(bytes))
    if (index !== missing) await blocks.put(cid, bytes)
    made.unshift({ cid, size })
  }
  return { blocks, cids: made.map(({ cid }) => cid) }
}

/** Puts a directory above another until it stands where a registry begins. */
export async function atRegistry(blocks: MemoryBlocks, below: CID): Promise<CID> {
  let cid = below
  for (const name of ['repositories', 'v2', 'registry', 'docker']) {
    const links = [{ Name: name, Hash: cid, Tsize: 1 }]
    const bytes = dagPb.encode(
      dagPb.prepare({ Data: new UnixFS({ type: 'directory' }).marshal(), Links: links }),
    )
    cid = cidFromHash(DAG_PB, sha256(bytes))
    await blocks.put(cid, bytes)
  }
  return cid
}

function encode(
  { kind, text, links, fanout }: NodePlan,
  made: readonly Made[],
): { bytes: Uint8Array; size: number } {
  const data = Buffer.from(text)
  if (kind === 'leaf') return { bytes: data, size: data.length }
  const targets = links.flatMap((link) => {
    const target = made[link.to % Math.max(1, made.length)]
    return target === undefined ? [] : [{ ...link, ...target, given: link.size }]
  })
  const sizes = targets.map(({ size, given }) => BigInt(given === 'right' ? size : size + 1))
  const isFile = kind === 'file' && targets.length > 0
  const unixfs = new UnixFS({
    type: kind,
    ...(isFile ? { blockSizes: sizes } : {}),
    ...(isFile || kind === 'directory' ? {} : { data }),
    ...(kind === 'hamt-sharded-directory' ? { fanout: BigInt(fanout), hashType: 0x22n } : {}),
  })
  const bytes = dagPb.encode(
    dagPb.prepare({
      Data: unixfs.marshal(),
      Links: targets.map(({ name, cid, size }) => ({ Name: name, Hash: cid, Tsize: size })),
    }),
  )
  const size = isFile ? sizes.reduce((sum, each) => sum + Number(each), 0) : data.length
  return { bytes, size }
}
