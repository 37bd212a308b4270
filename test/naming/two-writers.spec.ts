import assert from 'node:assert/strict'
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
  settle,
  silent,
  until,
} from './support.ts'
import type { PrivateKey } from '@ipshipyard/crypto'
import type { MemoryNetwork } from './support.ts'

const MINUTE = 60_000

describe('a publisher that has met another writer of its key', () => {
  let key: PrivateKey
  let clock: FakeClock
  let state: MemoryMap
  let hub: MemoryHub
  let network: MemoryNetwork
  /** The other writer. */
  let other: MemoryNetwork
  let publisher: Publisher
  let close: () => Promise<void>
  /** Roots that were ours. */
  let history: Set<string>

  beforeEach(async () => {
    key = await makeKey()
    clock = new FakeClock()
    state = new MemoryMap()
    history = new Set()
    hub = new MemoryHub()
    other = hub.join('other')
    await open()
    for (const n of [1, 2]) {
      await push(n)
      await until(() => !publisher.status().pending)
    }
    await say(10n, 99)
    assert.match(publisher.status().conflict ?? '', /sequence 10/)
  })
  afterEach(() => close())

  async function open(): Promise<void> {
    network = hub.join('us')
    const parts = { keychain, clock, log: silent }
    const exchange = new RecordExchange({ ...parts, network, held: new MemoryMap() })
    await exchange.start()
    publisher = new Publisher(
      {
        ...parts,
        ...{ key, exchange, state },
        isNewKey: state.entriesByKey.size === 0,
        addresses: () => [],
        isOurs: (root) => Promise.resolve(history.has(root.toString())),
      },
      { lifetime: LIFETIME },
    )
    void publisher.start()
    close = async () => {
      await publisher.stop()
      exchange.stop()
      network.leave()
    }
  }

  async function push(n: number): Promise<void> {
    const root = await rootNumber(n)
    history.add(root.toString())
    publisher.publish(root)
    await settle()
  }

  async function record(sequence: bigint, n: number): Promise<Uint8Array> {
    const value = valueOf(await rootNumber(n))
    return (await makeRecord(key, { sequence, value, now: clock.now() })).bytes
  }

  /** The other writer publishes a root. */
  async function say(sequence: bigint, n: number): Promise<void> {
    await other.publish(nameOf(key).topic, await record(sequence, n))
    await settle()
    await settle()
  }

  /** What the other writer answers with, to whom it counts. */
  async function answer(sequence: bigint, n: number): Promise<() => number> {
    const bytes = await record(sequence, n)
    let asked = 0
    other.serve('/ipns/', () => {
      asked++
      return Promise.resolve(bytes)
    })
    return () => asked
  }

  async function sequences(): Promise<number[]> {
    const read = ({ data }: { data: Uint8Array }) => readRecord(nameOf(key), data, keychain)
    return (await Promise.all(network.published.map(read))).map(({ sequence }) => Number(sequence))
  }

  /** The conflict is over. */
  async function gone(): Promise<void> {
    await until(() => publisher.status().conflict === undefined)
    await settle()
  }

  it('stands still when the other goes back to a root that both had, also after a restart', async () => {
    await say(11n, 1)
    await push(3)
    assert.match(publisher.status().conflict ?? '', /sequence 11/)
    assert.deepEqual(await sequences(), [1, 2])
    await close()
    await open()
    await push(3)
    await say(12n, 2)
    await clock.pass(10 * MINUTE)
    const { conflict, pending, sequence } = publisher.status()
    assert.match(conflict ?? '', /sequence 12/)
    assert.deepEqual([pending, sequence, await sequences()], [true, '2', []])
  })

  it('goes on above everything that was heard meanwhile, when told to', async () => {
    await say(11n, 1)
    await say(10n, 98)
    assert.equal(String(publisher.takeOver()), '11')
    await settle()
    assert.deepEqual(await sequences(), [1, 2, 12])
    assert.equal(publisher.status().conflict, undefined)
  })

  it('asks once what else there is, goes on above that, and stops for the next one', async () => {
    const asked = await answer(21n, 1)
    publisher.takeOver()
    await gone()
    await settle(300)
    assert.deepEqual([asked(), await sequences()], [1, [1, 2, 22]])
    await say(30n, 97)
    await say(40n, 96)
    assert.match(publisher.status().conflict ?? '', /sequence 40/)
    assert.deepEqual(await sequences(), [1, 2, 22])
  })

  it('does not ask again and again while that it goes on cannot be written', async () => {
    const asked = await answer(21n, 95)
    state.failures = 3
    publisher.takeOver()
    await settle(300)
    assert.equal(publisher.status().error?.includes('another writer'), true)
    assert.equal(asked(), 1)
    await clock.pass(MINUTE)
    assert.deepEqual(await sequences(), [1, 2, 22])
    assert.equal(publisher.status().error, undefined)
  })

  it('is told once for one other writer, however often it is told', async () => {
    const put = state.put.bind(state)
    let again: bigint | undefined
    state.put = async (name, value) => {
      if (publisher.status().conflict !== undefined) again ??= publisher.takeOver()
      await put(name, value)
    }
    publisher.takeOver()
    await gone()
    assert.equal(String(again), '10')
    await say(30n, 97)
    assert.match(publisher.status().conflict ?? '', /sequence 30/)
    assert.deepEqual(await sequences(), [1, 2, 11])
  })

  it('has nothing to take over when there is no other writer', async () => {
    publisher.takeOver()
    await gone()
    assert.equal(publisher.takeOver(), undefined)
  })
})
