import assert from 'node:assert/strict'
import { Mirror } from '../../src/naming/mirror.ts'
import { RecordExchange } from '../../src/naming/record-exchange.ts'
import { valueOf } from '../../src/naming/root-value.ts'
import {
  FakeClock,
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
import type { IpnsRecord } from '../../src/naming/record.ts'
import type { MemoryNetwork } from './support.ts'

const MINUTE = 60_000

describe('since when a mirror may be out of date', () => {
  let key: PrivateKey
  let hub: MemoryHub
  let owner: MemoryNetwork
  let us: MemoryNetwork
  let clock: FakeClock
  let state: MemoryMap
  let exchange: RecordExchange
  let mirror: Mirror
  let advance: () => Promise<void>

  beforeEach(async () => {
    key = await makeKey()
    hub = new MemoryHub()
    owner = hub.join('owner')
    clock = new FakeClock()
    state = new MemoryMap()
    advance = () => Promise.resolve()
    await open()
  })
  afterEach(close)

  async function open(): Promise<void> {
    us = hub.join('us')
    const parts = { keychain, clock, log: silent }
    exchange = new RecordExchange({ ...parts, network: us, held: new MemoryMap() })
    await exchange.start()
    mirror = new Mirror(nameOf(key).text, {
      ...parts,
      exchange,
      state,
      advance: () => advance(),
      dial: () => Promise.resolve(false),
    })
    await mirror.start()
  }

  async function close(): Promise<void> {
    await mirror.stop()
    exchange.stop()
    us.leave()
  }

  /** The owner tells a record, and answers whoever asks for it from now on. */
  async function publish(sequence: number, more: object = {}): Promise<IpnsRecord> {
    const record = await makeRecord(key, {
      sequence: BigInt(sequence),
      value: valueOf(await rootNumber(sequence)),
      ...more,
    })
    owner.serve('/ipns/', () => Promise.resolve(record.bytes))
    await owner.publish(nameOf(key).topic, record.bytes)
    await settle()
    return record
  }

  async function serves(n: number): Promise<void> {
    const root = (await rootNumber(n)).toString()
    await until(() => mirror.status().root === root)
  }

  it('is never, as long as somebody confirms its record', async () => {
    await publish(1)
    await serves(1)
    for (let minutes = 0; minutes < 60; minutes += 5) {
      await clock.pass(5 * MINUTE)
      assert.equal(mirror.staleSince(), undefined)
    }
  })

  it('is when the record was confirmed last, once two rounds have brought nothing', async () => {
    await publish(1)
    await serves(1)
    await clock.pass(5 * MINUTE)
    owner.leave()
    const { resolvedAt } = mirror.status()
    await clock.pass(MINUTE)
    assert.equal(mirror.staleSince(), undefined, 'one round may be bad luck')
    await clock.pass(2 * MINUTE)
    assert.equal(mirror.staleSince(), resolvedAt)
    assert.ok(resolvedAt !== undefined && resolvedAt < clock.now())
    await clock.pass(10 * MINUTE)
    assert.equal(mirror.staleSince(), resolvedAt)
    hub.members.set('owner', owner)
    await clock.pass(MINUTE)
    assert.equal(mirror.staleSince(), undefined)
  })

  it('is the start of the node when nobody confirmed what it remembers', async () => {
    await publish(1)
    await serves(1)
    await close()
    owner.leave()
    await clock.pass(MINUTE)
    const startedAt = clock.now()
    await open()
    await settle()
    assert.equal(mirror.status().root, (await rootNumber(1)).toString())
    assert.equal(mirror.staleSince(), startedAt)
    hub.members.set('owner', owner)
    await clock.pass(MINUTE)
    assert.equal(mirror.staleSince(), undefined)
  })

  it('is when the record expired, which nobody can confirm any more', async () => {
    const { validUntil } = await publish(1, { lifetime: 20 * MINUTE })
    await serves(1)
    await clock.pass(validUntil - clock.now() - 1)
    assert.equal(mirror.staleSince(), undefined)
    await clock.pass(1)
    assert.equal(mirror.staleSince(), validUntil)
  })

  it('is when a newer root could not be had', async () => {
    await publish(1)
    await serves(1)
    advance = () => Promise.reject(new Error('block bafy is missing'))
    await clock.pass(MINUTE)
    const failedAt = clock.now()
    await publish(2)
    await until(() => mirror.staleSince() !== undefined)
    assert.equal(mirror.staleSince(), failedAt)
    await clock.pass(MINUTE)
    await publish(3)
    assert.equal(mirror.staleSince(), failedAt, 'it has been behind since then')
    advance = () => Promise.resolve()
    await clock.pass(10 * MINUTE)
    await serves(3)
    assert.equal(mirror.staleSince(), undefined)
  })

  it('is when a newer record was refused', async () => {
    await publish(1)
    await serves(1)
    await clock.pass(MINUTE)
    const refusedAt = clock.now()
    await publish(2, { value: '/ipns/example.org' })
    assert.equal(mirror.status().state, 'error')
    await clock.pass(MINUTE)
    assert.equal(mirror.staleSince(), refusedAt)
    await publish(3)
    await serves(3)
    assert.equal(mirror.staleSince(), undefined)
  })
})
