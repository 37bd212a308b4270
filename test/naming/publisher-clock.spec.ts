import assert from 'node:assert/strict'
import { Publisher } from '../../src/naming/publisher.ts'
import { RecordExchange } from '../../src/naming/record-exchange.ts'
import { readRecord } from '../../src/naming/record.ts'
import {
  FakeClock,
  LIFETIME,
  MemoryHub,
  MemoryMap,
  keychain,
  makeKey,
  nameOf,
  rootNumber,
  settle,
  silent,
} from './support.ts'
import type { PrivateKey } from '@ipshipyard/crypto'
import type { IpnsRecord } from '../../src/naming/record.ts'
import type { MemoryNetwork } from './support.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const YEAR = 365 * 24 * HOUR

describe('a publisher whose surroundings change', () => {
  let key: PrivateKey
  let network: MemoryNetwork
  let clock: FakeClock
  let state: MemoryMap
  let publisher: Publisher
  let addresses: string[]
  let stack: AsyncDisposableStack

  beforeEach(async () => {
    key = await makeKey()
    network = new MemoryHub().join('us')
    clock = new FakeClock()
    state = new MemoryMap()
    addresses = []
    stack = new AsyncDisposableStack()
  })
  afterEach(() => stack.disposeAsync())

  async function begin(lifetime = LIFETIME): Promise<void> {
    const parts = { keychain, clock, log: silent }
    const exchange = new RecordExchange({ ...parts, network, held: new MemoryMap() })
    await exchange.start()
    stack.defer(() => exchange.stop())
    publisher = new Publisher(
      {
        ...parts,
        ...{ key, exchange, state, isNewKey: true },
        addresses: () => addresses,
        isOurs: () => Promise.resolve(true),
      },
      { lifetime },
    )
    stack.defer(() => publisher.stop())
    void publisher.start()
    publisher.publish(await rootNumber(1))
    await settle()
  }

  async function last(): Promise<IpnsRecord> {
    const data = network.published.at(-1)?.data
    assert.ok(data)
    return readRecord(nameOf(key), data, keychain)
  }

  for (const [what, by] of [
    ['far behind', -50 * YEAR],
    ['far ahead', 20 * YEAR],
  ] as const) {
    it(`signs anew soon after a clock that was ${what} has been put right`, async () => {
      clock.set(clock.now() + by)
      await begin()
      const wrong = await last()
      clock.set(clock.now() - by)
      await clock.pass(6 * MINUTE)
      const right = await last()
      assert.ok(right.sequence > wrong.sequence)
      assert.ok(Math.abs(right.validUntil - clock.now() - LIFETIME) < HOUR)
    })
  }

  it('tells its record again after the clock was set back, and not only when it has caught up', async () => {
    await begin()
    const count = network.published.length
    clock.set(clock.now() - 10 * MINUTE)
    await clock.pass(6 * MINUTE)
    assert.ok(network.published.length > count)
  })

  it('signs for another lifetime when the configuration changed', async () => {
    await begin(100 * 24 * HOUR)
    await publisher.stop()
    await begin(10 * 24 * HOUR)
    assert.ok((await last()).validUntil <= clock.now() + 10 * 24 * HOUR + MINUTE)
  })

  it('tells a short-lived record again before it expires', async () => {
    await begin(10 * MINUTE)
    for (let minutes = 0; minutes < 60; minutes += 2) {
      await clock.pass(2 * MINUTE)
      assert.ok((await last()).validUntil > clock.now())
    }
  })

  it('signs anew when it is found elsewhere, and then no more', async () => {
    await begin()
    assert.deepEqual((await last()).addresses, [])
    addresses = ['/ip4/127.0.0.1/tcp/1/p2p/x']
    await clock.pass(6 * MINUTE)
    assert.deepEqual((await last()).addresses, addresses)
    const { sequence } = await last()
    await clock.pass(HOUR)
    assert.equal((await last()).sequence, sequence)
  })
})
