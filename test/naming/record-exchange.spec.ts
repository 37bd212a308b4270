import assert from 'node:assert/strict'
import { RecordExchange } from '../../src/naming/record-exchange.ts'
import {
  EMPTY_DIRECTORY,
  FakeClock,
  MemoryHub,
  MemoryMap,
  keychain,
  makeKey,
  makeRecord,
  nameOf,
  settle,
  silent,
} from './support.ts'
import type { PrivateKey } from '@ipshipyard/crypto'
import type { MemoryNetwork } from './support.ts'

describe('the exchange of records', () => {
  let key: PrivateKey
  let hub: MemoryHub
  let network: MemoryNetwork
  let other: MemoryNetwork
  let held: MemoryMap
  let clock: FakeClock
  let exchange: RecordExchange

  beforeEach(async () => {
    key = await makeKey()
    hub = new MemoryHub()
    network = hub.join('us')
    other = hub.join('other')
    held = new MemoryMap()
    clock = new FakeClock()
    exchange = new RecordExchange({ network, held, keychain, clock, log: silent })
  })
  afterEach(() => exchange.stop())

  it('forgets at start what is damaged', async () => {
    const { text } = nameOf(key)
    await held.put(text, Buffer.from('junk'))
    await exchange.start()
    assert.equal(await held.get(text), undefined)
  })

  const keys: Array<[string, Uint8Array]> = [
    ['nothing', new Uint8Array(0)],
    ['junk', Buffer.from('/ipns/junk')],
    ['a megabyte', new Uint8Array(1 << 20)],
    ['another prefix', Buffer.from('/pk/x')],
  ]
  for (const [what, bytes] of keys) {
    it(`has no answer to a question for ${what}`, async () => {
      await exchange.start()
      assert.equal(await other.lookup('us', bytes), undefined)
    })
  }

  it('holds a bounded number of names, and renews those', async () => {
    await exchange.start()
    const record = await makeRecord(key, {})
    const named = (n: number) => ({ ...nameOf(key), text: `k51${n}` })
    for (let n = 0; n < 1_030; n++) await exchange.hold(named(n), record)
    assert.equal(held.entriesByKey.size, 1_024)
    const newer = await makeRecord(key, { sequence: 2n })
    await exchange.hold(named(0), newer)
    assert.equal(held.entriesByKey.get('k510'), newer.bytes)
  })

  it('does without a peer that fails, or answers with junk', async () => {
    await exchange.start()
    const { bytes } = await makeRecord(key, { sequence: 3n })
    other.serve('/ipns/', () => Promise.reject(new Error('stream reset')))
    hub.join('liar').serve('/ipns/', () => Promise.resolve(Buffer.from('junk')))
    hub.join('friend').serve('/ipns/', () => Promise.resolve(bytes))
    const found: Array<[string | undefined, bigint]> = []
    await exchange.askPeers(nameOf(key), ({ from, record }) => found.push([from, record.sequence]))
    assert.deepEqual(found, [['friend', 3n]])
  })

  it('ends its questions when the caller leaves', async () => {
    await exchange.start()
    await assert.rejects(
      exchange.askPeers(nameOf(key), () => undefined, AbortSignal.abort(new Error('gone'))),
      /gone/,
    )
  })

  it('leaves a topic with its last listener', async () => {
    await exchange.start()
    const heard: string[] = []
    const leave = ['a', 'b'].map((who) => exchange.subscribe(nameOf(key), () => heard.push(who)))
    const { bytes } = await makeRecord(key, {})
    await other.publish(nameOf(key).topic, bytes)
    await settle()
    leave[0]?.()
    leave[0]?.()
    await other.publish(nameOf(key).topic, bytes)
    await settle()
    leave[1]?.()
    assert.deepEqual(heard, ['a', 'b', 'b'])
    assert.deepEqual(other.subscribers(nameOf(key).topic), [])
  })

  /** What other peers hear through us. */
  async function verdict(bytes: Uint8Array): Promise<string | undefined> {
    const [listener] = network.topics.get(nameOf(key).topic) ?? []
    return listener?.validate(bytes)
  }

  it('passes on what is good and new, and thinks less of who sends forgeries', async () => {
    await exchange.start()
    exchange.subscribe(nameOf(key), () => undefined)
    const [old, now] = [await makeRecord(key, {}), await makeRecord(key, { sequence: 2n })]
    await exchange.hold(nameOf(key), now)
    const past = { now: Date.now() - 10_000, lifetime: 1_000 }
    const { signRecord } = await import('../../src/naming/record.ts')
    const expired = await signRecord(key, {
      ...past,
      value: now.value,
      sequence: 3n,
      ttl: 0,
      addresses: [],
    })
    const forged = await makeRecord(await makeKey(), { sequence: 9n })
    assert.deepEqual(
      await Promise.all([now.bytes, old.bytes, expired, forged.bytes].map(verdict)),
      ['accept', 'ignore', 'ignore', 'reject'],
    )
  })

  it('asks whoever connects, also one who does not listen', async () => {
    await exchange.start()
    const heard: Array<string | undefined> = []
    exchange.subscribe(nameOf(key), ({ from }) => heard.push(from))
    const { bytes } = await makeRecord(key, {})
    other.serve('/ipns/', () => Promise.resolve(bytes))
    network.meet('other')
    await settle()
    assert.deepEqual(heard, ['other'])
  })

  it('asks who joins once more, for what was told while neither knew of the other', async () => {
    await exchange.start()
    const heard: bigint[] = []
    exchange.subscribe(nameOf(key), ({ record }) => heard.push(record.sequence))
    let { bytes } = await makeRecord(key, {})
    other.serve('/ipns/', () => Promise.resolve(bytes))
    other.subscribe(nameOf(key).topic, {
      validate: () => Promise.resolve('accept'),
      onMessage: () => undefined,
      onJoin: () => undefined,
    })
    await settle()
    ;({ bytes } = await makeRecord(key, { sequence: 2n }))
    await clock.pass(1_000)
    assert.deepEqual(heard, [1n, 2n])
  })

  it('tells who is behind what we hold, whoever it is, but not again and again', async () => {
    await exchange.start()
    exchange.subscribe(nameOf(key), () => undefined)
    const [old, now] = [await makeRecord(key, {}), await makeRecord(key, { sequence: 2n })]
    await exchange.hold(nameOf(key), now)
    const { topic } = nameOf(key)
    await other.publish(topic, now.bytes)
    await settle()
    assert.equal(network.published.length, 0)
    for (let i = 0; i < 5; i++) await other.publish(topic, old.bytes)
    await settle()
    assert.deepEqual(
      network.published.map(({ data }) => data),
      [now.bytes],
    )
    await clock.pass(60_000)
    const twin = await makeRecord(key, { sequence: 2n, value: `${EMPTY_DIRECTORY}/docker` })
    await other.publish(topic, twin.bytes)
    await settle()
    assert.equal(network.published.length, 2, 'another value under the same sequence')
  })

  it('keeps no older record in the place of a newer one', async () => {
    await exchange.start()
    const [old, now] = [await makeRecord(key, {}), await makeRecord(key, { sequence: 2n })]
    await exchange.hold(nameOf(key), now)
    await exchange.hold(nameOf(key), old)
    assert.equal(exchange.held(nameOf(key)), now)
    assert.deepEqual(held.entriesByKey.get(nameOf(key).text), now.bytes)
  })
})
