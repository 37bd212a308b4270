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
import type { CID } from 'multiformats/cid'
import type { MemoryNetwork } from './support.ts'
import type { IpnsRecord } from '../../src/naming/record.ts'

const HOUR = 3_600_000
const MINUTE = 60_000

describe('the publisher', () => {
  let key: PrivateKey
  let hub: MemoryHub
  let network: MemoryNetwork
  let clock: FakeClock
  let state: MemoryMap
  let held: MemoryMap
  let history: Set<string>
  let exchange: RecordExchange
  let publisher: Publisher
  let addresses: string[]
  let isNewKey: boolean

  beforeEach(async () => {
    key = await makeKey()
    hub = new MemoryHub()
    clock = new FakeClock()
    state = new MemoryMap()
    held = new MemoryMap()
    history = new Set()
    addresses = []
    isNewKey = true
    await open()
  })

  afterEach(close)

  async function open(options: { pause?: number } = {}): Promise<void> {
    network = hub.join('us')
    exchange = new RecordExchange({ network, held, keychain, clock, log: silent })
    await exchange.start()
    publisher = new Publisher(
      {
        key,
        keychain,
        exchange,
        state,
        clock,
        log: silent,
        isNewKey,
        addresses: () => addresses,
        isOurs: (root) => Promise.resolve(history.has(root.toString())),
      },
      { lifetime: LIFETIME, ...options },
    )
    void publisher.start()
  }

  async function close(): Promise<void> {
    await publisher.stop()
    exchange.stop()
    network.leave()
  }

  async function restart(options: { pause?: number } = {}): Promise<void> {
    await close()
    await open(options)
  }

  async function publish(n: number): Promise<CID> {
    const root = await rootNumber(n)
    history.add(root.toString())
    publisher.publish(root)
    await until(() => !publisher.status().pending)
    return root
  }

  /** Every record that went out, in order. */
  async function sent(): Promise<IpnsRecord[]> {
    return Promise.all(network.published.map(({ data }) => readRecord(nameOf(key), data, keychain)))
  }

  /** Another peer that holds this record. */
  async function somebodyHolds(sequence: bigint, value: string): Promise<MemoryNetwork> {
    const record = await makeRecord(key, { sequence, value })
    const peer = hub.join(`peer ${sequence}`)
    peer.serve('/ipns/', () => Promise.resolve(record.bytes))
    return peer
  }

  it('publishes with nobody there', async () => {
    const root = await publish(1)
    const { error, publishedRoot, sequence } = publisher.status()
    assert.deepEqual(
      { error, publishedRoot, sequence },
      { error: undefined, publishedRoot: root.toString(), sequence: '1' },
    )
  })

  it('lets the last of a hundred roots win, with sequences that only rise', async () => {
    const roots = await Promise.all(Array.from({ length: 100 }, (_, i) => rootNumber(i)))
    for (const [i, root] of roots.entries()) {
      publisher.publish(root)
      if (i % 10 === 0) await settle()
    }
    await until(() => !publisher.status().pending)
    const records = await sent()
    assert.equal(records.at(-1)?.value, valueOf(roots[99] as CID))
    assert.ok(records.length < 100, `${records.length} records`)
    const sequences = records.map(({ sequence }) => sequence)
    assert.deepEqual(
      sequences,
      sequences.toSorted((a, b) => (a < b ? -1 : 1)),
    )
    assert.equal(new Set(sequences).size, sequences.length)
  })

  it('is pending as long as another root is being told, though the one before is wanted again', async () => {
    const first = await publish(1)
    const put = state.put.bind(state)
    const seen: unknown[] = []
    state.put = async (key, value) => {
      state.put = put
      publisher.publish(first)
      seen.push(publisher.status().pending, (await publisher.announced()).length)
      await put(key, value)
    }
    publisher.publish(await rootNumber(2))
    await until(() => seen.length > 0)
    assert.deepEqual(seen, [true, 2], 'pending, and both roots may be what others have')
    await until(() => !publisher.status().pending)
    assert.deepEqual(
      (await sent()).map(({ value, sequence }) => [value, sequence]),
      [
        [valueOf(first), 1n],
        [valueOf(await rootNumber(2)), 2n],
        [valueOf(first), 3n],
      ],
    )
  })

  it('leaves a pause between records, after which the last of the roots goes out', async () => {
    await restart({ pause: 100 })
    await publish(1)
    for (const n of [2, 3, 4]) publisher.publish(await rootNumber(n))
    await clock.pass(99)
    assert.equal((await sent()).length, 1)
    await clock.pass(1)
    const values = (await sent()).map(({ value }) => value)
    assert.deepEqual(values, [valueOf(await rootNumber(1)), valueOf(await rootNumber(4))])
  })

  it('is not held up by a clock that was set back in a pause between records', async () => {
    await restart({ pause: 100 })
    await publish(1)
    clock.set(clock.now() - 3_600_000)
    await publish(2)
    assert.equal((await sent()).length, 2)
  })

  it('never uses a sequence for two values, even if it dies between deciding and signing', async () => {
    await publish(1)
    const name = nameOf(key).text
    // What a crash right after the decision leaves: a sequence for root 2, and no record.
    await state.put(
      name,
      Buffer.from(
        JSON.stringify({ sequence: '2', value: valueOf(await rootNumber(2)), confirmed: true }),
      ),
    )
    await restart()
    await publish(3)
    const [record] = await sent()
    assert.equal(record?.sequence, 3n)
    assert.equal(record.value, valueOf(await rootNumber(3)))
  })

  it('tells the same record again after a restart', async () => {
    await publish(1)
    const [before] = await sent()
    await restart()
    await publish(1)
    assert.deepEqual(
      (await sent()).map(({ bytes }) => Buffer.from(bytes)),
      [Buffer.from(before?.bytes ?? [])],
    )
  })

  it('signs anew when it listens elsewhere after a restart', async () => {
    await publish(1)
    addresses = ['/ip4/127.0.0.1/tcp/1/p2p/x']
    await restart()
    await publish(1)
    const [record] = await sent()
    assert.deepEqual([record?.sequence, record?.addresses], [2n, addresses])
  })

  it('signs anew when it is found elsewhere, as when a relay took it in, but once a minute', async () => {
    await publish(1)
    const latest = async () => (await sent()).at(-1)
    const move = async (...to: string[]) => {
      addresses = to
      publisher.move()
      await clock.pass(MINUTE / 2)
    }
    await move(...addresses)
    assert.equal((await latest())?.sequence, 1n)
    await move('/ip4/192.0.2.1/tcp/1/p2p/r/p2p-circuit/p2p/x', `/dns4/${'a'.repeat(300)}/tcp/1`)
    await until(async () => (await latest())?.sequence === 2n)
    assert.deepEqual((await latest())?.addresses, addresses.slice(0, 1))
    await move('/ip4/192.0.2.2/tcp/1/p2p/x')
    assert.equal((await latest())?.sequence, 2n)
    await clock.pass(MINUTE / 2)
    await until(async () => (await latest())?.sequence === 3n)
    assert.deepEqual((await latest())?.addresses, addresses)
    await clock.pass(HOUR)
    assert.equal((await latest())?.sequence, 3n)
  })

  it('tells its record twice a day, and signs a new one when half of its life has passed', async () => {
    await publish(1)
    await clock.pass(12 * HOUR)
    assert.deepEqual(
      (await sent()).map(({ sequence }) => sequence),
      [1n, 1n],
    )
    await clock.pass(LIFETIME / 2)
    const records = await sent()
    assert.equal(records.at(-1)?.sequence, 2n)
    assert.ok((records.at(-1)?.validUntil ?? 0) > clock.now() + LIFETIME / 2)
    assert.equal(new Set(records.map(({ value }) => value)).size, 1)
  })

  it('continues above the network with a key that was restored into an empty store', async () => {
    await close()
    await somebodyHolds(41n, valueOf(await rootNumber(0)))
    isNewKey = false
    await open()
    await publish(1)
    assert.deepEqual(
      (await sent()).map(({ sequence }) => sequence),
      [42n],
    )
    assert.equal(publisher.status().error, undefined)
  })

  it('rises above the network when it meets it only later, with a key that was restored', async () => {
    await close()
    isNewKey = false
    await open()
    await publish(1)
    const theirs = BigInt(publisher.status().sequence) + 41n
    const peer = await somebodyHolds(theirs, valueOf(await rootNumber(0)))
    peer.subscribe(nameOf(key).topic, {
      validate: () => Promise.resolve('accept'),
      onMessage: () => undefined,
      onJoin: () => undefined,
    })
    await until(() => BigInt(publisher.status().sequence) > theirs && !publisher.status().pending)
    assert.equal((await sent()).at(-1)?.value, valueOf(await rootNumber(1)))
  })

  it('continues above its own newer record after a backup was restored', async () => {
    await publish(1)
    const peer = await somebodyHolds(1n, valueOf(await rootNumber(1)))
    await restart() // meets its own record, so the state is confirmed
    await publish(1)
    const backup = new Map(state.entriesByKey)
    await publish(2)
    peer.leave()
    await close()
    for (const [k, v] of backup) await state.put(k, v)
    await somebodyHolds(2n, valueOf(await rootNumber(2)))
    await open()
    await publish(3)
    assert.equal((await sent()).at(-1)?.sequence, 3n)
    assert.equal(publisher.status().error, undefined)
  })

  describe('that meets another writer', () => {
    beforeEach(async () => {
      await publish(1)
      const peer = await somebodyHolds(1n, valueOf(await rootNumber(1)))
      await restart()
      await publish(1)
      peer.leave()
      const record = await makeRecord(key, { sequence: 9n, value: valueOf(await rootNumber(666)) })
      const other = hub.join('other')
      await other.publish(nameOf(key).topic, record.bytes)
      await until(() => publisher.status().error !== undefined)
    })

    it('stops, says so, and forgets nothing', async () => {
      const root = await rootNumber(2)
      const count = network.published.length
      publisher.publish(root)
      await settle()
      const { error, pending, root: wanted } = publisher.status()
      assert.match(error ?? '', /another writer publishes under this key: sequence 9/)
      assert.deepEqual([pending, wanted, network.published.length], [true, root.toString(), count])
    })

    it('goes on above it when told to', async () => {
      publisher.takeOver()
      await publish(2)
      assert.equal((await sent()).at(-1)?.sequence, 10n)
      assert.equal(publisher.status().error, undefined)
    })
  })

  it('knows another writer at once, under a key that was made here', async () => {
    await publish(1)
    const record = await makeRecord(key, { sequence: 9n, value: valueOf(await rootNumber(666)) })
    await hub.join('other').publish(nameOf(key).topic, record.bytes)
    await until(() => publisher.status().conflict !== undefined)
  })

  it('sees another writer behind one sequence with two values, and goes on above both', async () => {
    await publish(1)
    await somebodyHolds(1n, valueOf(await rootNumber(1)))
    await restart()
    await publish(1)
    const record = await makeRecord(key, { sequence: 1n, value: valueOf(await rootNumber(666)) })
    const other = hub.join('other')
    await other.publish(nameOf(key).topic, record.bytes)
    await until(() => /another writer/.test(publisher.status().error ?? ''))
    publisher.takeOver()
    await other.publish(nameOf(key).topic, record.bytes)
    await publish(2)
    await other.publish(nameOf(key).topic, record.bytes)
    await settle()
    const { sequence, conflict } = publisher.status()
    assert.deepEqual([BigInt(sequence) > 1n, conflict], [true, undefined])
  })

  it('is not moved by others who are behind', async () => {
    await publish(1)
    await publish(2)
    const old = await makeRecord(key, { sequence: 1n, value: valueOf(await rootNumber(1)) })
    await network.hear(nameOf(key).topic, old.bytes, 'somebody')
    await settle()
    assert.deepEqual([publisher.status().sequence, publisher.status().error], ['2', undefined])
  })

  it('tries again with pauses when the disk is full, and says why it waits', async () => {
    state.failures = 3
    publisher.publish(await rootNumber(1))
    await until(() => publisher.status().error !== undefined)
    assert.equal(publisher.status().error, 'no space left on device')
    assert.equal(publisher.status().pending, true)
    await clock.pass(60_000)
    await until(() => !publisher.status().pending)
    assert.equal(publisher.status().error, undefined)
  })

  it('does not guess when its state is damaged', async () => {
    await publish(1)
    await state.put(nameOf(key).text, Buffer.from('{"sequence":"x"}'))
    await restart()
    publisher.publish(await rootNumber(2))
    await until(() => publisher.status().error !== undefined)
    assert.equal(network.published.length, 0)
  })
})
