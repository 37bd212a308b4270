import assert from 'node:assert/strict'
import { CID } from 'multiformats/cid'
import { sha256, sha512 } from 'multiformats/hashes/sha2'
import { MissingBlockError } from '../../src/blocks/block-store.ts'
import { RefusedBlockError } from '../../src/ipfs/errors.ts'
import { connect, randomBlock, startNode } from './nodes.ts'
import type { TestNode } from './nodes.ts'

describe('blocks between two nodes on loopback', () => {
  let reader: TestNode
  let source: TestNode
  /** The blocks that the source has linked. */
  const linked = new Set<string>()

  before(async () => {
    source = await startNode({ servable: (cid) => linked.has(cid.toString()) })
    reader = await startNode({ servable: () => false, fetchTimes: { pause: 20 } })
    await connect(reader, source)
  })

  after(async () => {
    await reader.stop()
    await source.stop()
  })

  async function offer(size?: number): Promise<{ cid: CID; bytes: Uint8Array }> {
    const block = await randomBlock(size)
    await source.blocks.put(block.cid, block.bytes)
    linked.add(block.cid.toString())
    return block
  }

  for (const size of [0, 1, 1000, 16 * 1024, 1024 * 1024, 2 * 1024 * 1024]) {
    it(`carries a block of ${size} bytes, and does not store it`, async () => {
      const { cid, bytes } = await offer(size)
      assert.deepEqual(Buffer.from(await reader.fetchBlock(cid)), bytes)
      assert.equal(reader.blocks.blocks.size, 0)
    })
  }

  it('does not give out what is stored but not linked, not even a size', async () => {
    const { cid, bytes } = await randomBlock()
    await source.blocks.put(cid, bytes)
    await assert.rejects(reader.fetchBlock(cid, { providers: [source.peerId] }), MissingBlockError)
  })

  it('gives out a block that was asked for too early, once it is linked', async () => {
    const { cid, bytes } = await randomBlock()
    await assert.rejects(reader.fetchBlock(cid), MissingBlockError)
    await source.blocks.put(cid, bytes)
    linked.add(cid.toString())
    assert.deepEqual(Buffer.from(await reader.fetchBlock(cid)), bytes)
  })

  it('gives the same block again and again', async () => {
    const { cid } = await offer(50_000)
    for (let i = 0; i < 6; i++) assert.equal((await reader.fetchBlock(cid)).length, 50_000)
  })

  it('carries many blocks at once', async () => {
    const blocks = await Promise.all(Array.from({ length: 200 }, () => offer(20_000)))
    const providers = [source.peerId]
    const fetched = await Promise.all(
      blocks.map(({ cid }) => reader.fetchBlock(cid, { providers })),
    )
    assert.deepEqual(
      fetched.map(Buffer.from),
      blocks.map(({ bytes }) => bytes),
    )
  })

  it('fetches on for the others when one of several readers leaves', async () => {
    const { cid } = await offer(1_000_000)
    const leave = new AbortController()
    const [left, stayed] = [
      reader.fetchBlock(cid, { signal: leave.signal }),
      reader.fetchBlock(cid),
    ]
    leave.abort(new Error('gone'))
    await assert.rejects(left, /gone/)
    assert.equal((await stayed).length, 1_000_000)
  })

  it('can be asked anew after all readers left', async () => {
    const { cid } = await offer(1_000_000)
    const leave = new AbortController()
    const left = reader.fetchBlock(cid, { signal: leave.signal })
    leave.abort(new Error('gone'))
    await assert.rejects(left, /gone/)
    assert.equal((await reader.fetchBlock(cid)).length, 1_000_000)
  })

  it('never asks for foreign kinds of blocks', async () => {
    const digest = await sha256.digest(new Uint8Array(1))
    await assert.rejects(reader.fetchBlock(CID.createV1(0x71, digest)), RefusedBlockError) // dag-cbor
    const long = await sha512.digest(new Uint8Array(1))
    await assert.rejects(reader.fetchBlock(CID.createV1(0x55, long)), RefusedBlockError)
  })
})

describe('a node without peers', () => {
  it('says that a block is missing, and can be stopped while it looks', async () => {
    const node = await startNode({ fetchTimes: { pause: 10 } })
    const { cid } = await randomBlock()
    await assert.rejects(node.fetchBlock(cid), MissingBlockError)
    const looking = assert.rejects(node.fetchBlock((await randomBlock()).cid), /the node stops/)
    await node.stop()
    await looking
  })
})
