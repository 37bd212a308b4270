import assert from 'node:assert/strict'
import { Publisher } from '../../src/naming/publisher.ts'
import { RecordExchange } from '../../src/naming/record-exchange.ts'
import { valueOf } from '../../src/naming/root-value.ts'
import {
  FakeClock,
  LIFETIME,
  MemoryHub,
  MemoryMap,
  keychain,
  makeKey,
  makeRecord,
  nameOf,
  rootNumber,
  settle,
  silent,
} from './support.ts'
import type { PrivateKey } from '@ipshipyard/crypto'
import type { MemoryNetwork } from './support.ts'

const SECOND = 1_000
const YEAR = 365 * 86_400_000

describe('how a publisher begins', () => {
  let key: PrivateKey
  let hub: MemoryHub
  let network: MemoryNetwork
  let clock: FakeClock
  let held: MemoryMap
  let publisher: Publisher
  let stack: AsyncDisposableStack

  beforeEach(async () => {
    key = await makeKey()
    hub = new MemoryHub()
    clock = new FakeClock()
    held = new MemoryMap()
    stack = new AsyncDisposableStack()
  })
  afterEach(() => stack.disposeAsync())

  async function begin(
    how: { state?: MemoryMap; isNewKey?: boolean; expectsPeers?: boolean } = {},
  ): Promise<void> {
    network = hub.join('us')
    const parts = { keychain, clock, log: silent }
    const exchange = new RecordExchange({ ...parts, network, held })
    await exchange.start()
    stack.defer(() => exchange.stop())
    const { state = new MemoryMap(), isNewKey = false, expectsPeers = true } = how
    publisher = new Publisher(
      {
        ...parts,
        ...{ key, exchange, state, isNewKey, expectsPeers },
        addresses: () => [],
        isOurs: () => Promise.resolve(false),
      },
      { lifetime: LIFETIME },
    )
    stack.defer(() => publisher.stop())
    void publisher.start()
    publisher.publish(await rootNumber(1))
    await settle()
  }

  async function peerWith(sequence: bigint, more: object = {}): Promise<void> {
    const value = valueOf(await rootNumber(9))
    const { bytes } = await makeRecord(key, { sequence, value, ...more })
    const peer = hub.join('peer')
    peer.serve('/ipns/', () => Promise.resolve(bytes))
    network.meet('peer')
    await settle()
  }

  /** A store that has published before. */
  function known(sequence: string): MemoryMap {
    const state = new MemoryMap()
    const text = JSON.stringify({ sequence, value: '/ipfs/x', confirmed: true })
    void state.put(nameOf(key).text, Buffer.from(text))
    return state
  }

  it('a new key waits for nobody', async () => {
    await begin({ isNewKey: true })
    assert.deepEqual([publisher.status().sequence, publisher.status().pending], ['1', false])
  })

  it('a restored key waits for somebody to ask, and goes on above what they know', async () => {
    await begin()
    assert.deepEqual([publisher.status().pending, network.published.length], [true, 0])
    await clock.pass(20 * SECOND)
    assert.equal(network.published.length, 0)
    await peerWith(41n)
    assert.deepEqual([publisher.status().sequence, publisher.status().pending], ['42', false])
  })

  it('a restored key learns from a record that has expired, too', async () => {
    await begin()
    await peerWith(41n, { now: Date.now() - YEAR, lifetime: SECOND })
    assert.equal(publisher.status().sequence, '42')
  })

  it('a restored key that nobody knows anything of goes on above everything it can have used', async () => {
    await begin()
    await clock.pass(31 * SECOND)
    assert.equal(publisher.status().pending, false)
    assert.ok(BigInt(publisher.status().sequence) > BigInt(Date.now() - SECOND))
    assert.ok(
      BigInt(publisher.status().sequence) < 2n ** 53n,
      'a number for those who count in doubles',
    )
  })

  it('a restored key does not wait where nobody can be met', async () => {
    await begin({ expectsPeers: false })
    assert.equal(publisher.status().pending, false)
  })

  it('a node that mirrored the name goes on above what it knows itself', async () => {
    const { bytes } = await makeRecord(key, { sequence: 70n, value: valueOf(await rootNumber(9)) })
    await held.put(nameOf(key).text, bytes)
    await begin({ expectsPeers: false })
    assert.equal(publisher.status().sequence, '71')
  })

  it('a known key waits a little: its store may be an old backup, and then it must not go on', async () => {
    await begin({ state: known('5') })
    assert.equal(network.published.length, 0)
    await peerWith(9n)
    assert.match(publisher.status().conflict ?? '', /sequence 9/)
    assert.equal(network.published.length, 0)
  })

  it('a known key knows at once what it announced, and what it may have', async () => {
    const [told, next] = [await rootNumber(3), await rootNumber(1)]
    const state = known('5')
    const { bytes } = await makeRecord(key, { sequence: 5n, value: valueOf(told) })
    const record = Buffer.from(bytes).toString('base64')
    const written = { sequence: '5', value: valueOf(told), record, confirmed: true }
    await state.put(nameOf(key).text, Buffer.from(JSON.stringify(written)))
    await begin({ state })
    assert.equal(network.published.length, 0)
    assert.deepEqual((await publisher.announced()).map(String), [told.toString()])
    assert.equal(publisher.status().publishedRoot, told.toString())
    await clock.pass(11 * SECOND)
    assert.deepEqual((await publisher.announced()).map(String), [next.toString()])
  })

  it('a known key says so when what it announced cannot be read', async () => {
    const state = known('5')
    await state.put(nameOf(key).text, Buffer.from('damaged'))
    await begin({ state })
    await assert.rejects(publisher.announced(), SyntaxError)
    assert.match(publisher.status().error ?? '', /damaged/)
  })

  it('a known key does not wait for long', async () => {
    await begin({ state: known('5') })
    await clock.pass(11 * SECOND)
    assert.deepEqual([publisher.status().sequence, publisher.status().pending], ['6', false])
  })
})
