import assert from 'node:assert/strict'
import { KeepAlive } from '../../src/naming/keep-alive.ts'
import { RecordExchange } from '../../src/naming/record-exchange.ts'
import { readRecord } from '../../src/naming/record.ts'
import {
  FakeClock,
  MemoryHub,
  MemoryMap,
  keychain,
  makeKey,
  makeRecord,
  nameOf,
  silent,
} from './support.ts'
import type { PrivateKey } from '@ipshipyard/crypto'
import type { MemoryNetwork } from './support.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

describe('somebody else’s record is kept alive', () => {
  let key: PrivateKey
  let dht: Map<string, Uint8Array>
  let network: MemoryNetwork
  let clock: FakeClock
  let keepAlive: KeepAlive
  let stack: AsyncDisposableStack

  beforeEach(async () => {
    key = await makeKey()
    dht = new Map()
    clock = new FakeClock()
    network = Object.assign(new MemoryHub(), { dht }).join('us')
    stack = new AsyncDisposableStack()
    const parts = { keychain, clock, log: silent }
    const exchange = new RecordExchange({ ...parts, network, held: new MemoryMap() })
    stack.defer(() => exchange.stop())
    keepAlive = new KeepAlive(nameOf(key), { ...parts, exchange, every: 12 * HOUR })
    stack.defer(() => keepAlive.stop())
  })
  afterEach(() => stack.disposeAsync())

  async function inDht(): Promise<bigint | undefined> {
    const [bytes] = dht.values()
    return bytes && (await readRecord(nameOf(key), bytes, keychain)).sequence
  }

  it('in the DHT, when its owner has had time to put it there and has not', async () => {
    const [old, now] = [
      await makeRecord(key, { sequence: 1n }),
      await makeRecord(key, { sequence: 2n }),
    ]
    keepAlive.keep(now)
    keepAlive.mend(old)
    await clock.pass(9 * MINUTE)
    assert.equal(await inDht(), undefined, 'the owner may be about to')
    await clock.pass(MINUTE)
    keepAlive.mend(old)
    await clock.pass(0)
    assert.equal(await inDht(), 2n)
    dht.clear()
    keepAlive.mend(undefined)
    await clock.pass(30 * MINUTE)
    assert.equal(await inDht(), undefined, 'a DHT that forgets is not told without end')
    await clock.pass(30 * MINUTE)
    keepAlive.mend(undefined)
    await clock.pass(0)
    assert.equal(await inDht(), 2n)
  })

  it('but not against a newer one, or past its time', async () => {
    const now = await makeRecord(key, { sequence: 2n, lifetime: 2 * HOUR })
    keepAlive.keep(now)
    await clock.pass(HOUR)
    keepAlive.mend(now)
    keepAlive.mend(await makeRecord(key, { sequence: 3n }))
    await clock.pass(2 * HOUR)
    keepAlive.mend(undefined)
    await keepAlive.tell()
    await clock.pass(MINUTE)
    assert.deepEqual([await inDht(), network.published.length], [undefined, 0])
  })

  it('twice a day, also when the clock was set back meanwhile', async () => {
    keepAlive.keep(await makeRecord(key, { lifetime: 300 * 24 * HOUR }))
    await keepAlive.tell()
    await keepAlive.tell()
    assert.equal(network.published.length, 1)
    clock.set(clock.now() - 100 * 24 * HOUR)
    await keepAlive.tell()
    assert.equal(network.published.length, 2)
  })
})
