import assert from 'node:assert/strict'
import { MissingBlockError } from '../../src/blocks/block-store.ts'
import { BlockFetcher } from '../../src/ipfs/block-fetcher.ts'
import { FakeExchange } from './fake-exchange.ts'
import { randomBlock } from './nodes.ts'
import type { CID } from 'multiformats/cid'

const times = { pause: 1, idle: 20, deadline: 5_000 }

describe('fetching a block from peers who', () => {
  const lies: Array<[string, (bytes: Uint8Array, cid: CID) => Uint8Array]> = [
    ['send other bytes', () => new Uint8Array(10)],
    ['send the digest itself, as an identity hash would have it', (_, cid) => cid.multihash.digest],
    ['send a part of it', (bytes) => bytes.subarray(1)],
    ['send more than it', (bytes) => Buffer.concat([bytes, bytes])],
  ]
  for (const [what, lie] of lies) {
    it(`${what}, goes on to the next`, async () => {
      const exchange = new FakeExchange()
      const { cid, bytes } = await randomBlock()
      const liar = await exchange.add(() => ({ has: true, block: lie(bytes, cid) }))
      await exchange.add(() => ({ has: true, block: bytes }))
      assert.equal(await new BlockFetcher(exchange, times).fetch(cid, { providers: [liar] }), bytes)
      assert.equal(exchange.asked[0]?.peer, liar)
    })
  }

  it('send a block over 2 MiB, though it is the one, takes it from nobody', async () => {
    const exchange = new FakeExchange()
    const { cid, bytes } = await randomBlock(2 * 1024 * 1024 + 1)
    await exchange.add(() => ({ has: true, block: bytes }))
    await assert.rejects(new BlockFetcher(exchange, times).fetch(cid), MissingBlockError)
  })

  it('never answer, tries the next and tries again', async () => {
    const exchange = new FakeExchange()
    const { cid, bytes } = await randomBlock()
    const silent = await exchange.add(() => undefined)
    let asked = 0
    const second = await exchange.add(() => (++asked < 2 ? undefined : { has: true, block: bytes }))
    const fetched = await new BlockFetcher(exchange, times).fetch(cid, {
      providers: [silent, second],
    })
    assert.equal(fetched, bytes)
  })

  it('promise and do not deliver, ends with a missing block at the deadline', async () => {
    const exchange = new FakeExchange()
    await exchange.add((kind) => (kind === 'presence' ? { has: true } : undefined))
    const fetcher = new BlockFetcher(exchange, { ...times, idle: 10_000, deadline: 50 })
    await assert.rejects(fetcher.fetch((await randomBlock()).cid), MissingBlockError)
  })

  it('all have it, asks one of them for it', async () => {
    const exchange = new FakeExchange()
    const { cid, bytes } = await randomBlock()
    for (let i = 0; i < 5; i++)
      await exchange.add((kind) => (kind === 'block' ? { has: true, block: bytes } : { has: true }))
    await new BlockFetcher(exchange, times).fetch(cid)
    assert.equal(exchange.asked.filter(({ kind }) => kind === 'block').length, 1)
  })

  it('are asked once by a hundred readers of one block', async () => {
    const exchange = new FakeExchange()
    const { cid, bytes } = await randomBlock()
    const providers = [await exchange.add(() => ({ has: true, block: bytes }))]
    const fetcher = new BlockFetcher(exchange, times)
    await Promise.all(Array.from({ length: 100 }, () => fetcher.fetch(cid, { providers })))
    assert.equal(exchange.asked.length, 1)
  })

  it('are slow, has at most 8 blocks of each under way, and 64 of all', async () => {
    const exchange = new FakeExchange()
    for (let i = 0; i < 10; i++) await exchange.add(() => undefined)
    const providers = exchange.peers().map(String)
    const fetcher = new BlockFetcher(exchange, { ...times, idle: 10_000 })
    const blocks = await Promise.all(Array.from({ length: 200 }, () => randomBlock()))
    const all = Promise.allSettled(
      blocks.map(({ cid }, i) => fetcher.fetch(cid, { providers: [providers[i % 10] ?? ''] })),
    )
    await new Promise((resolve) => void setImmediate(resolve))
    assert.equal(exchange.asked.length, 64)
    const counts = providers.map(
      (id) => exchange.asked.filter(({ peer }) => String(peer) === id).length,
    )
    assert.ok(Math.max(...counts) <= 8)
    fetcher.close()
    await all
  })

  it('are silent, does not wait for them with what another has', async () => {
    const exchange = new FakeExchange()
    const { cid, bytes } = await randomBlock()
    const silent = await exchange.add(() => undefined)
    const good = await exchange.add(() => ({ has: true, block: bytes }))
    const fetcher = new BlockFetcher(exchange, { ...times, idle: 10_000 })
    const others = await Promise.all(Array.from({ length: 300 }, () => randomBlock()))
    const all = Promise.allSettled(
      others.map((other) => fetcher.fetch(other.cid, { providers: [silent] })),
    )
    assert.equal(await fetcher.fetch(cid, { providers: [good] }), bytes)
    fetcher.close()
    await all
  })
})
