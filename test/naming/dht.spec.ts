import assert from 'node:assert/strict'
import { Mirror } from '../../src/naming/mirror.ts'
import { Publisher } from '../../src/naming/publisher.ts'
import { RecordExchange } from '../../src/naming/record-exchange.ts'
import { readRecord } from '../../src/naming/record.ts'
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
  silent,
  until,
} from './support.ts'
import type { PrivateKey } from '@ipshipyard/crypto'
import type { IpnsRecord } from '../../src/naming/record.ts'
import type { MemoryNetwork } from './support.ts'

/** Nobody is connected to anybody here: there is only the DHT. */
describe('names in a DHT', () => {
  let key: PrivateKey
  let hub: MemoryHub
  let dht: Map<string, Uint8Array>
  let clock: FakeClock
  let network: MemoryNetwork
  let exchange: RecordExchange
  let stack: AsyncDisposableStack

  beforeEach(async () => {
    key = await makeKey()
    dht = new Map()
    hub = Object.assign(new MemoryHub(), { dht })
    clock = new FakeClock()
    stack = new AsyncDisposableStack()
    network = hub.join('us')
    exchange = new RecordExchange({
      network,
      held: new MemoryMap(),
      keychain,
      clock,
      log: silent,
    })
    await exchange.start()
    stack.defer(() => exchange.stop())
  })
  afterEach(() => stack.disposeAsync())

  function startPublisher(state = new MemoryMap(), isNewKey = true): Publisher {
    const options = { addresses: () => [], isOurs: () => Promise.resolve(false), isNewKey }
    const publisher = new Publisher(
      { ...options, key, keychain, exchange, state, clock, log: silent },
      { lifetime: LIFETIME },
    )
    void publisher.start()
    stack.defer(() => publisher.stop())
    return publisher
  }

  async function startMirror(state = new MemoryMap()): Promise<Mirror> {
    const mirror = new Mirror(nameOf(key).text, {
      exchange,
      keychain,
      state,
      clock,
      log: silent,
      advance: () => Promise.resolve(),
      dial: () => Promise.resolve(false),
    })
    await mirror.start()
    stack.defer(() => mirror.stop())
    return mirror
  }

  async function inDht(): Promise<IpnsRecord | undefined> {
    const [bytes] = dht.values()
    return bytes && readRecord(nameOf(key), bytes, keychain)
  }

  async function put(sequence: bigint, n: number): Promise<IpnsRecord> {
    const record = await makeRecord(key, { sequence, value: valueOf(await rootNumber(n)) })
    await network.dhtPut(nameOf(key).routingKey, record.bytes)
    return record
  }

  it('are put there, again after failures, and meanwhile the status says why', async () => {
    hub.dhtFailures = 3 // the question for our own name, and two puts
    const publisher = startPublisher()
    publisher.publish(await rootNumber(1))
    await until(() => publisher.status().error !== undefined)
    assert.match(publisher.status().error ?? '', /DHT does not have the record yet: no peers/)
    assert.equal(publisher.status().pending, false)
    await clock.pass(60_000)
    assert.equal((await inDht())?.sequence, 1n)
    assert.equal(publisher.status().error, undefined)
  })

  it('are put there again twice a day', async () => {
    const publisher = startPublisher()
    publisher.publish(await rootNumber(1))
    await until(() => dht.size === 1)
    dht.clear()
    await clock.pass(12 * 3_600_000)
    assert.equal((await inDht())?.sequence, 1n)
  })

  it('are continued above what is there, with a key that has no history here', async () => {
    await put(41n, 0)
    const publisher = startPublisher(new MemoryMap(), false)
    publisher.publish(await rootNumber(1))
    await until(async () => (await inDht())?.sequence === 42n)
    assert.equal(publisher.status().error, undefined)
  })

  it('do not hold a known key up when the DHT hangs, and are compared when it answers', async () => {
    const state = new MemoryMap()
    const first = startPublisher(state)
    first.publish(await rootNumber(1))
    await until(() => dht.size === 1)
    await first.stop()
    const record = await put(9n, 9)
    const answer = Promise.withResolvers<Uint8Array>()
    network.dhtGet = () => answer.promise
    const second = startPublisher(state, false)
    second.publish(await rootNumber(2))
    await until(() => second.status().sequence === '2')
    answer.resolve(record.bytes)
    await until(() => second.status().conflict !== undefined)
    assert.match(second.status().conflict ?? '', /sequence 9/)
  })

  it('are followed by a mirror without a peer, which asks once a minute', async () => {
    await put(1n, 1)
    const mirror = await startMirror()
    await until(() => mirror.status().sequence === '1')
    await put(2n, 2)
    const before = network.asksOfDht
    await clock.pass(59_000)
    assert.deepEqual([network.asksOfDht, mirror.status().sequence], [before, '1'])
    await clock.pass(1_000)
    await until(() => mirror.status().sequence === '2')
  })

  it('serve on while the DHT cannot be asked', async () => {
    await put(1n, 1)
    const mirror = await startMirror()
    await until(() => mirror.status().sequence === '1')
    hub.dhtFailures = 10
    await clock.pass(5 * 60_000)
    assert.deepEqual([mirror.status().state, mirror.status().sequence], ['current', '1'])
  })

  it('are kept there by a mirror when the owner is gone', async () => {
    const state = new MemoryMap()
    const record = await put(1n, 1)
    const mirror = await startMirror(state)
    await until(() => mirror.status().sequence === '1')
    dht.clear()
    await clock.pass(13 * 3_600_000)
    assert.deepEqual(Buffer.from((await inDht())?.bytes ?? []), Buffer.from(record.bytes))
  })

  it('are not moved by records that are older, forged or junk', async () => {
    await put(5n, 5)
    const mirror = await startMirror()
    await until(() => mirror.status().sequence === '5')
    const { routingKey } = nameOf(key)
    const forged = await makeRecord(await makeKey(), { sequence: 9n })
    const old = await makeRecord(key, { sequence: 4n, value: valueOf(await rootNumber(4)) })
    for (const bytes of [forged.bytes, old.bytes, Buffer.from('junk')]) {
      await network.dhtPut(routingKey, bytes)
      await clock.pass(61_000)
    }
    assert.deepEqual([mirror.status().state, mirror.status().sequence], ['current', '5'])
  })

  it('that are told with two roots under one sequence stay with the first, also after a restart', async () => {
    const state = new MemoryMap()
    await put(5n, 5)
    const mirror = await startMirror(state)
    await until(() => mirror.status().sequence === '5')
    await put(5n, 6)
    await clock.pass(61_000)
    assert.match(mirror.status().error ?? '', /two records have sequence 5/)
    await mirror.stop()
    const again = await startMirror(state)
    await clock.pass(61_000)
    assert.equal(again.root()?.toString(), (await rootNumber(5)).toString())
    assert.match(again.status().error ?? '', /two records have sequence 5/)
    await put(6n, 6)
    await clock.pass(61_000)
    await until(() => again.status().sequence === '6')
    assert.equal(again.status().error, undefined)
  })
})
