import assert from 'node:assert/strict'
import { BlockFetcher } from '../../src/ipfs/block-fetcher.ts'
import { FakeExchange } from './fake-exchange.ts'
import { randomBlock } from './nodes.ts'
import type { CID } from 'multiformats/cid'

const times = { pause: 1, idle: 20, deadline: 5_000 }

/** Peers for blocks that the test makes up as it goes. */
describe('the next block', () => {
  let exchange: FakeExchange
  let fetcher: BlockFetcher
  const store = new Map<string, Uint8Array>()

  beforeEach(() => {
    exchange = new FakeExchange()
    fetcher = new BlockFetcher(exchange, times)
    store.clear()
  })

  const giver = (kind: 'block' | 'presence', cid: CID) => {
    const block = store.get(cid.toString())
    if (block === undefined) return { has: false }
    return kind === 'block' ? { has: true, block } : { has: true }
  }

  async function next(): Promise<CID> {
    const { cid, bytes } = await randomBlock()
    store.set(cid.toString(), bytes)
    return cid
  }

  /** Who was asked what for this block. */
  function askedFor(cid: CID): string[] {
    return exchange.asked
      .filter((question) => question.cid.equals(cid))
      .map(({ kind, peer }) => `${kind} ${peer}`)
  }

  it('is asked for at once of who gave the last one', async () => {
    const id = await exchange.add(giver)
    for (let i = 0; i < 5; i++) await exchange.add(() => ({ has: false }))
    await fetcher.fetch(await next())
    const second = await next()
    await fetcher.fetch(second)
    assert.deepEqual(askedFor(second), [`block ${id}`])
  })

  it('is asked for of a provider that delivers before one that hangs', async () => {
    const hangs = await exchange.add(() => undefined)
    const gives = await exchange.add(giver)
    const providers = [hangs, gives]
    const first = await next()
    await fetcher.fetch(first, { providers })
    assert.deepEqual(askedFor(first), [`block ${hangs}`, `block ${gives}`])
    const second = await next()
    await fetcher.fetch(second, { providers })
    assert.deepEqual(askedFor(second), [`block ${gives}`])
  })

  it('is asked for of the providers before somebody else who gave the last one', async () => {
    const other = await exchange.add(giver)
    await fetcher.fetch(await next(), { providers: [other] })
    const provider = await exchange.add(giver)
    const cid = await next()
    await fetcher.fetch(cid, { providers: [provider] })
    assert.deepEqual(askedFor(cid), [`block ${provider}`])
  })

  it('is found elsewhere when who gave the last one does not have it', async () => {
    const first = await next()
    const second = await next()
    const only = (mine: CID) => (kind: 'block' | 'presence', cid: CID) =>
      cid.equals(mine) ? giver(kind, cid) : { has: false }
    const one = await exchange.add(only(first))
    const two = await exchange.add(only(second))
    await fetcher.fetch(first, { providers: [one] })
    await fetcher.fetch(second)
    assert.deepEqual(askedFor(second), [`block ${one}`, `presence ${two}`, `block ${two}`])
  })

  const fall: Array<[string, () => { has: boolean; block?: Uint8Array } | undefined]> = [
    ['falls silent', () => undefined],
    ['lies', () => ({ has: true, block: new Uint8Array(1) })],
  ]
  for (const [what, answer] of fall) {
    it(`is not asked for first of who gave once and then ${what}`, async () => {
      let good = true
      const once = await exchange.add((kind, cid) => (good ? giver(kind, cid) : answer()))
      await fetcher.fetch(await next(), { providers: [once] })
      good = false
      const steady = await exchange.add(giver)
      await fetcher.fetch(await next())
      const third = await next()
      await fetcher.fetch(third)
      assert.deepEqual(askedFor(third), [`block ${steady}`])
    })
  }
})
