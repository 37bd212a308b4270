import assert from 'node:assert/strict'
import { CID } from 'multiformats/cid'
import { MissingBlockError } from '../../../src/blocks/block-store.ts'
import { DAG_PB } from '../../../src/blocks/cids.ts'
import { connect, randomBlock, startNode } from '../nodes.ts'
import { eventually } from '../../support/two-nodes.ts'
import type { TestNode, TestNodeOptions } from '../nodes.ts'

/** Bitswap has no time to find anything: what comes came over streams of ours. */
const withoutBitswap: TestNodeOptions = { fetchTimes: { deadline: 1 } }

describe('the transfer between two nodes', () => {
  let reader: TestNode
  let source: TestNode
  const hidden = new Set<string>()

  before(async () => {
    source = await startNode({ servable: (cid) => !hidden.has(cid.toString()) })
    reader = await startNode(withoutBitswap)
    await connect(reader, source)
  })

  after(async () => {
    await reader.stop()
    await source.stop()
  })

  const fetch = (cid: CID): Promise<Uint8Array> =>
    reader.fetchBlock(cid, { providers: [source.peerId] })

  for (const size of [0, 1, 70_000, 2 * 1024 * 1024]) {
    it(`brings a block of ${size} bytes without bitswap`, async () => {
      const { cid, bytes } = await randomBlock(size)
      await source.blocks.put(cid, bytes)
      assert.deepEqual(Buffer.from(await fetch(cid)), bytes)
    })
  }

  it('brings many blocks at once, in any order, each once', async () => {
    const blocks = await Promise.all(Array.from({ length: 100 }, () => randomBlock(100_000)))
    for (const { cid, bytes } of blocks) await source.blocks.put(cid, bytes)
    const twice = await Promise.all(
      [...blocks, ...blocks.toReversed()].map(({ cid }) => fetch(cid)),
    )
    for (const [i, { bytes }] of blocks.entries()) {
      assert.deepEqual(twice[i], bytes)
      assert.equal(twice[i], twice[twice.length - 1 - i], 'it came twice')
    }
  })

  it('gives nothing that is not servable', async () => {
    const { cid, bytes } = await randomBlock()
    hidden.add(cid.toString())
    await source.blocks.put(cid, bytes)
    await assert.rejects(fetch(cid), MissingBlockError)
  })

  it('asks anew for a block that was not there at first', async () => {
    const { cid, bytes } = await randomBlock()
    await assert.rejects(fetch(cid), MissingBlockError)
    await source.blocks.put(cid, bytes)
    assert.deepEqual(Buffer.from(await fetch(cid)), bytes)
  })

  it('gives up what nobody waits for, and goes on', async () => {
    const { cid, bytes } = await randomBlock(500_000)
    await source.blocks.put(cid, bytes)
    const leave = new AbortController()
    const left = reader.fetchBlock(cid, { signal: leave.signal, providers: [source.peerId] })
    leave.abort(new Error('gone'))
    await assert.rejects(left, /gone/)
    assert.equal((await fetch(cid)).length, 500_000)
  })
})

describe('a node of the tree', () => {
  it('does not wait for the leaves that were asked for before it', async () => {
    const opened = Promise.withResolvers<boolean>()
    const slow = new Set<string>()
    const isSlow = (cid: CID): boolean =>
      slow.has(Buffer.from(cid.multihash.digest).toString('hex'))
    const source = await startNode({ servable: (cid) => (isSlow(cid) ? opened.promise : true) })
    const reader = await startNode(withoutBitswap)
    try {
      await connect(reader, source)
      const providers = [source.peerId]
      const leaves = await Promise.all(Array.from({ length: 3 }, () => randomBlock()))
      const node = await randomBlock()
      for (const { cid, bytes } of [...leaves, node]) await source.blocks.put(cid, bytes)
      for (const { cid } of leaves) slow.add(Buffer.from(cid.multihash.digest).toString('hex'))
      const waiting = leaves.map(({ cid }) => reader.fetchBlock(cid, { providers }))
      const cid = CID.createV1(DAG_PB, node.cid.multihash)
      assert.deepEqual(Buffer.from(await reader.fetchBlock(cid, { providers })), node.bytes)
      opened.resolve(true)
      await Promise.all(waiting)
    } finally {
      opened.resolve(true)
      for (const one of [reader, source]) await one.stop()
    }
  })
})

describe('the transfer from several sources', () => {
  it('takes from another what one has not, or when one is gone', async () => {
    const [a, b, reader] = [await startNode(), await startNode(), await startNode(withoutBitswap)]
    const providers = [a.peerId, b.peerId]
    try {
      for (const source of [a, b]) await connect(reader, source)
      const [one, two, three] = [await randomBlock(), await randomBlock(), await randomBlock()]
      await a.blocks.put(one.cid, one.bytes)
      for (const { cid, bytes } of [two, three]) await b.blocks.put(cid, bytes)
      const [first, second] = await Promise.all(
        [one, two].map(({ cid }) => reader.fetchBlock(cid, { providers })),
      )
      assert.deepEqual(
        [first, second].map((block) => Buffer.from(block ?? [])),
        [one.bytes, two.bytes],
      )
      await a.stop()
      assert.deepEqual(Buffer.from(await reader.fetchBlock(three.cid, { providers })), three.bytes)
    } finally {
      for (const node of [reader, b, a]) await node.stop()
    }
  })

  it('shares the work between two that have all of it', async () => {
    const asked = [0, 0]
    const counting = (i: number): TestNodeOptions => ({
      servable: () => {
        asked[i] = (asked[i] ?? 0) + 1
        return true
      },
    })
    const sources = [await startNode(counting(0)), await startNode(counting(1))]
    const reader = await startNode(withoutBitswap)
    try {
      const blocks = await Promise.all(Array.from({ length: 60 }, () => randomBlock(200_000)))
      for (const source of sources) {
        await connect(reader, source)
        for (const { cid, bytes } of blocks) await source.blocks.put(cid, bytes)
      }
      const providers = sources.map(({ peerId }) => peerId)
      await Promise.all(blocks.map(({ cid }) => reader.fetchBlock(cid, { providers })))
      assert.ok(Math.min(...asked) >= 15, `asked ${asked.join(' and ')} times`)
    } finally {
      for (const node of [reader, ...sources]) await node.stop()
    }
  })
})

describe('mirrors of one root', () => {
  it('are named to each other by their source, meet, and feed each other', async () => {
    const source = await startNode()
    const mirrors = [await startNode(withoutBitswap), await startNode(withoutBitswap)]
    const [first, second] = mirrors as [TestNode, TestNode]
    try {
      const [root, block, later] = [await randomBlock(), await randomBlock(), await randomBlock()]
      await source.blocks.put(root.cid, root.bytes)
      const options = { root: root.cid, providers: [source.peerId] }
      for (const mirror of mirrors) {
        await connect(mirror, source)
        await eventually(async () => {
          await mirror.fetchBlock(root.cid, options)
          return mirror.peers().length > 0
        }, 'the root')
      }
      await eventually(async () => {
        for (const mirror of mirrors) await mirror.fetchBlock(root.cid, options)
        return first.peers().length === 2
      }, 'the meeting')

      // Only the first mirror has the block: the source lost it.
      await first.blocks.put(block.cid, block.bytes)
      const come: string[] = []
      const ended = new AbortController()
      const work = {
        isHere: () => Promise.resolve(false),
        take: async (cid: CID) => {
          await second.fetchBlock(cid, { ...options, ahead: true, signal: ended.signal })
          come.push(cid.toString())
          second.announce(root.cid, cid)
        },
      }
      const ahead = second.fetchAhead(root.cid, [block.cid, later.cid], work, ended.signal)
      await eventually(() => come.includes(block.cid.toString()), 'the block that it has')
      await first.blocks.put(later.cid, later.bytes)
      first.announce(root.cid, later.cid)
      await ahead.catch(() => undefined)
      ended.abort()
    } finally {
      for (const node of [...mirrors, source]) await node.stop()
    }
  })

  it('fetch nothing ahead while there is nobody to share with', async () => {
    const node = await startNode()
    try {
      const { cid } = await randomBlock()
      const taken: CID[] = []
      const ended = new AbortController()
      const work = {
        isHere: () => Promise.resolve(false),
        take: (one: CID) => Promise.resolve(void taken.push(one)),
      }
      const ahead = node.fetchAhead(cid, [cid], work, ended.signal)
      ended.abort(new Error('the read is over'))
      await ahead
      assert.deepEqual(taken, [])
    } finally {
      await node.stop()
    }
  })
})
