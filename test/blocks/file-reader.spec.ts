import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { UnixFS } from 'ipfs-unixfs'
import * as dagPb from '@ipld/dag-pb'
import { FetchedBlocks, LocalBlocks } from '../../src/blocks/block-source.ts'
import { MissingBlockError } from '../../src/blocks/block-store.ts'
import { CHUNK_BYTES } from '../../src/blocks/chunking.ts'
import { DAG_PB, RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { fileSize, readFile } from '../../src/blocks/file-reader.ts'
import { FileWriter } from '../../src/blocks/file-writer.ts'
import { NodeFormatError } from '../../src/blocks/nodes.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { MemoryBlocks } from '../support/memory-blocks.ts'
import { CID } from 'multiformats/cid'
import type { BlockSource } from '../../src/blocks/block-source.ts'

const SIZE = 6 * CHUNK_BYTES + 12_345
const content = randomFillSync(Buffer.alloc(SIZE))

/** A file of seven leaves, and a source that counts what is asked of it. */
async function sevenLeaves(): Promise<{
  cid: CID
  blocks: MemoryBlocks
  source: BlockSource
  asked: CID[]
}> {
  const blocks = new MemoryBlocks()
  const writer = new FileWriter(blocks, 'sha256')
  await writer.write(content)
  const stored = await writer.finish(digestOf(content))
  const local = new LocalBlocks(blocks)
  const asked: CID[] = []
  const source: BlockSource = {
    readAhead: 2,
    size: (cid) => local.size(cid),
    get: (cid) => {
      asked.push(cid)
      return local.get(cid)
    },
  }
  return { cid: CID.parse(stored.id), blocks, source, asked }
}

async function read(
  source: BlockSource,
  cid: CID,
  offset: number,
  length: number,
): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(readFile(source, cid, { range: { offset, length } })))
}

describe('reading a file', () => {
  it('gives the whole content and its size', async () => {
    const { cid, source } = await sevenLeaves()
    assert.equal(await fileSize(source, cid), SIZE)
    assert.deepEqual(Buffer.concat(await Array.fromAsync(readFile(source, cid))), content)
  })

  const ranges: [string, number, number, number][] = [
    ['the first byte', 0, 1, 1],
    ['the last byte', SIZE - 1, 1, 1],
    ['nothing', 5, 0, 0],
    ['exactly one leaf', CHUNK_BYTES, CHUNK_BYTES, 1],
    ['across a border', CHUNK_BYTES - 10, 20, 2],
    ['almost all', 1, SIZE - 2, 7],
  ]
  for (const [what, offset, length, leaves] of ranges) {
    it(`reads only the leaves that a range needs: ${what}`, async () => {
      const { cid, source, asked } = await sevenLeaves()
      assert.deepEqual(
        await read(source, cid, offset, length),
        content.subarray(offset, offset + length),
      )
      assert.equal(asked.filter((one) => one.code === RAW).length, leaves)
    })
  }

  it('refuses a range beyond the end', async () => {
    const { cid, source } = await sevenLeaves()
    await assert.rejects(read(source, cid, SIZE, 1), RangeError)
    await assert.rejects(read(source, cid, -1, 1), RangeError)
  })

  it('asks for no more than the read-ahead while the reader stands still, and nothing once it left (I8)', async () => {
    const { cid, source, asked } = await sevenLeaves()
    const reading = readFile(source, cid)
    await reading.next()
    assert.equal(asked.length, 1 + 3, 'root, the leaf in hand, and two ahead')
    await reading.return(undefined)
    await setImmediate()
    assert.equal(asked.length, 4)
  })

  it('fails where a leaf is missing, after the bytes before it', async () => {
    const { cid, source, blocks } = await sevenLeaves()
    blocks.delete(cidFromHash(RAW, sha256(content.subarray(3 * CHUNK_BYTES, 4 * CHUNK_BYTES))))
    let got = 0
    await assert.rejects(async () => {
      for await (const bytes of readFile(source, cid)) got += bytes.length
    }, MissingBlockError)
    assert.equal(got, 3 * CHUNK_BYTES)
  })
})

/** Makes a file node that says what it likes. */
function node(
  links: [CID, number][],
  blockSizes: number[],
  data?: Uint8Array,
): { cid: CID; bytes: Uint8Array } {
  const unixfs = new UnixFS({
    type: 'file',
    blockSizes: blockSizes.map(BigInt),
    ...(data === undefined ? {} : { data }),
  })
  const bytes = dagPb.encode({
    Data: unixfs.marshal(),
    Links: links.map(([Hash, Tsize]) => ({ Hash, Tsize, Name: '' })),
  })
  return { bytes, cid: cidFromHash(DAG_PB, sha256(bytes)) }
}

describe('a hostile file', () => {
  const leaf = Buffer.alloc(1000, 7)
  const leafCid = cidFromHash(RAW, sha256(leaf))

  async function refused(nodes: { cid: CID; bytes: Uint8Array }[]): Promise<void> {
    const blocks = new MemoryBlocks()
    await blocks.put(leafCid, leaf)
    for (const { cid, bytes } of nodes) await blocks.put(cid, bytes)
    const root = nodes.at(-1)
    assert.ok(root)
    await assert.rejects(async () => {
      for await (const bytes of readFile(new LocalBlocks(blocks), root.cid))
        assert.ok(bytes.length <= 1000)
    }, NodeFormatError)
  }

  it('that says a part is larger or smaller than it is, is refused', async () => {
    await refused([node([[leafCid, 1000]], [1001])])
    await refused([node([[leafCid, 1000]], [999])])
  })

  it('with more links than sizes, or sizes without links, is refused', async () => {
    await refused([
      node(
        [
          [leafCid, 1000],
          [leafCid, 1000],
        ],
        [1000],
      ),
    ])
    await refused([node([], [1000])])
  })

  it('with data of its own in an inner node is refused', async () => {
    await refused([node([[leafCid, 1000]], [1000], Buffer.from('x'))])
  })

  it('with empty or impossible parts is refused', async () => {
    await refused([node([[leafCid, 1000]], [0])])
  })

  it('that declares a petabyte in a few hundred bytes gives its true bytes and never more than asked', async () => {
    // Each level links the one below 100 times: 6 levels over one leaf of 1,000 bytes are 1e15 bytes.
    const blocks = new MemoryBlocks()
    await blocks.put(leafCid, leaf)
    let below = { cid: leafCid, size: 1000 }
    for (let level = 0; level < 6; level++) {
      const made = node(
        Array.from({ length: 100 }, () => [below.cid, 1] as [CID, number]),
        Array.from({ length: 100 }, () => below.size),
      )
      await blocks.put(made.cid, made.bytes)
      below = { cid: made.cid, size: below.size * 100 }
    }
    const source = new LocalBlocks(blocks)
    assert.equal(await fileSize(source, below.cid), 1e15)
    assert.deepEqual(await read(source, below.cid, 1e15 - 1, 1), Buffer.from([7]))
  })

  it('nested beyond any need is refused', async () => {
    const nodes = [node([[leafCid, 1000]], [1000])]
    for (let level = 0; level < 20; level++) nodes.push(node([[nodes.at(-1)!.cid, 1000]], [1000]))
    await refused(nodes)
  })

  it('of a million tiny parts is refused before they are read', async () => {
    const one = Buffer.from([1])
    const oneCid = cidFromHash(RAW, sha256(one))
    const wide = node(
      Array.from({ length: 1000 }, () => [oneCid, 1] as [CID, number]),
      Array.from({ length: 1000 }, () => 1),
    )
    const root = node(
      Array.from({ length: 1000 }, () => [wide.cid, 1000] as [CID, number]),
      Array.from({ length: 1000 }, () => 1000),
    )
    const blocks = new MemoryBlocks()
    await blocks.put(oneCid, one)
    for (const { cid, bytes } of [wide, root]) await blocks.put(cid, bytes)
    await assert.rejects(async () => {
      for await (const bytes of readFile(new LocalBlocks(blocks), root.cid))
        assert.equal(bytes.length, 1)
    }, /too many small parts/)
  })

  it('of thousands of tiny parts that are in memory holds nobody up', async () => {
    const one = Buffer.from([1])
    const oneCid = cidFromHash(RAW, sha256(one))
    const wide = node(
      Array.from({ length: 8000 }, () => [oneCid, 1] as [CID, number]),
      Array.from({ length: 8000 }, () => 1),
    )
    const source = { readAhead: 4, get: async (cid: CID) => (cid.code === RAW ? one : wide.bytes) }
    const reading = new AbortController()
    let turns = 0
    const others = async () => {
      for (; !reading.signal.aborted; turns++) await setImmediate()
    }
    const all = others()
    let most = 0
    let before = 0
    let inARow = 0
    for await (const _ of readFile({ ...source, size: async () => undefined }, wide.cid)) {
      inARow = turns === before ? inARow + 1 : 1
      before = turns
      most = Math.max(most, inARow)
    }
    reading.abort()
    await all
    assert.ok(most <= 100, `${most} parts were handed out in a row`)
  })
})

describe('blocks from the network', () => {
  it('are fetched once, checked, and kept', async () => {
    const kept = new MemoryBlocks()
    const bytes = Buffer.from('a block')
    const cid = cidFromHash(RAW, sha256(bytes))
    let fetches = 0
    const source = new FetchedBlocks(kept, () => Promise.resolve((fetches++, bytes)))
    assert.deepEqual(Buffer.from(await source.get(cid)), bytes)
    assert.deepEqual(Buffer.from(await source.get(cid)), bytes)
    assert.equal(fetches, 1)
  })

  it('are refused when they are not what the CID says, and not kept', async () => {
    const kept = new MemoryBlocks()
    const cid = cidFromHash(RAW, sha256(Buffer.from('a block')))
    const source = new FetchedBlocks(kept, () => Promise.resolve(Buffer.from('another')))
    await assert.rejects(source.get(cid), /damaged/)
    assert.equal(kept.blocks.size, 0)
  })
})
