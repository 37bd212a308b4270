import assert from 'node:assert/strict'
import { loadMirrorState, saveMirrorState } from '../../src/naming/mirror-state.ts'
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
import type { CID } from 'multiformats/cid'
import type { Advance } from '../../src/naming/advancer.ts'
import type { IpnsRecord } from '../../src/naming/record.ts'
import type { MemoryNetwork } from './support.ts'

describe('a mirror', () => {
  let key: PrivateKey
  let hub: MemoryHub
  let network: MemoryNetwork
  let owner: MemoryNetwork
  let clock: FakeClock
  let state: MemoryMap
  let held: MemoryMap
  let exchange: RecordExchange
  let mirror: Mirror
  /** What an advance does, and what it was asked. */
  let advance: Advance
  let advances: Array<{ to: string; from: string | undefined; providers: readonly string[] }>
  let dialled: string[][]

  beforeEach(async () => {
    key = await makeKey()
    hub = new MemoryHub()
    owner = hub.join('owner')
    clock = new FakeClock()
    state = new MemoryMap()
    held = new MemoryMap()
    advance = () => Promise.resolve()
    advances = []
    dialled = []
    await open()
  })

  afterEach(close)

  async function open(): Promise<void> {
    network = hub.join('us')
    exchange = new RecordExchange({ network, held, keychain, clock, log: silent })
    await exchange.start()
    mirror = new Mirror(nameOf(key).text, {
      exchange,
      keychain,
      state,
      clock,
      log: silent,
      advance: (to, from, options) => {
        advances.push({ to: to.toString(), from: from?.toString(), providers: options.providers })
        return advance(to, from, options)
      },
      dial: (addresses) => {
        dialled.push([...addresses])
        return Promise.resolve(false)
      },
    })
    await mirror.start()
  }

  async function close(): Promise<void> {
    await mirror.stop()
    exchange.stop()
    network.leave()
  }

  async function restart(): Promise<void> {
    await close()
    await open()
  }

  async function record(sequence: number, n = sequence, more: object = {}): Promise<IpnsRecord> {
    return makeRecord(key, {
      sequence: BigInt(sequence),
      value: valueOf(await rootNumber(n)),
      ...more,
    })
  }

  async function announce(sequence: number, n = sequence, more: object = {}): Promise<IpnsRecord> {
    const made = await record(sequence, n, more)
    await owner.publish(nameOf(key).topic, made.bytes)
    await settle()
    return made
  }

  async function serves(n: number): Promise<void> {
    const root = (await rootNumber(n)).toString()
    await until(() => mirror.status().root === root)
  }

  it('waits while there is nothing', () => {
    const { state: condition, root, error } = mirror.status()
    assert.deepEqual(
      { condition, root, error },
      { condition: 'waiting', root: undefined, error: undefined },
    )
  })

  it('follows what is announced', async () => {
    await announce(1)
    await serves(1)
    await announce(2)
    await serves(2)
    const { state: condition, sequence, resolvedAt } = mirror.status()
    assert.deepEqual([condition, sequence, resolvedAt], ['current', '2', clock.now()])
    assert.equal(advances[1]?.from, (await rootNumber(1)).toString())
    assert.deepEqual(advances[1]?.providers, ['owner'])
  })

  it('asks peers who were there before it', async () => {
    const { bytes } = await record(5)
    await close()
    owner.serve('/ipns/', () => Promise.resolve(bytes))
    await open()
    await serves(5)
  })

  it('asks a peer who joins', async () => {
    const { bytes } = await record(5)
    owner.serve('/ipns/', () => Promise.resolve(bytes))
    owner.subscribe(nameOf(key).topic, {
      validate: () => Promise.resolve('accept'),
      onMessage: () => undefined,
      onJoin: () => undefined,
    })
    await serves(5)
  })

  it('asks again every half minute', async () => {
    await settle()
    const { bytes } = await record(5)
    owner.serve('/ipns/', () => Promise.resolve(bytes))
    await clock.pass(29_000)
    assert.equal(mirror.status().root, undefined)
    await clock.pass(1_000)
    await serves(5)
  })

  it('takes the newest of several answers, whoever is fastest', async () => {
    await close()
    for (const sequence of [3, 7, 5]) {
      const { bytes } = await record(sequence)
      hub.join(`peer ${sequence}`).serve('/ipns/', () => Promise.resolve(bytes))
    }
    await open()
    await serves(7)
    assert.equal(mirror.status().sequence, '7')
  })

  it('serves the last good root at once after a restart, with nobody there', async () => {
    await announce(1)
    await serves(1)
    await close()
    owner.leave()
    await open()
    assert.equal(mirror.root()?.toString(), (await rootNumber(1)).toString())
  })

  it('does not go back, before or after a restart', async () => {
    await announce(5)
    await serves(5)
    await announce(4)
    await restart()
    await announce(4)
    const old = await record(3)
    owner.serve('/ipns/', () => Promise.resolve(old.bytes))
    await clock.pass(60_000)
    assert.equal(mirror.status().root, (await rootNumber(5)).toString())
    assert.equal(mirror.status().error, undefined)
  })

  it('ends with the sequence of a record that was signed anew, also when it dies in between', async () => {
    await announce(1)
    await serves(1)
    const { current } = await loadMirrorState(state, nameOf(key).text)
    await announce(2, 1)
    const { floor } = await loadMirrorState(state, nameOf(key).text)
    await saveMirrorState(state, nameOf(key).text, { floor, current })
    await restart()
    await until(() => mirror.status().sequence === '2')
    assert.equal(mirror.root()?.toString(), (await rootNumber(1)).toString())
  })

  it('keeps the first of two roots with one sequence, and says so until there is a newer one', async () => {
    await announce(5)
    await serves(5)
    await announce(5, 6)
    const { state: condition, error, root } = mirror.status()
    assert.deepEqual([condition, root], ['error', (await rootNumber(5)).toString()])
    assert.match(error ?? '', /two records have sequence 5/)
    await announce(6)
    await serves(6)
    assert.equal(mirror.status().error, undefined)
  })

  const hostile: Array<[string, string]> = [
    ['another name', '/ipns/k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8'],
    ['a path', '/ipfs/bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354/docker'],
    ['a raw block', '/ipfs/bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'],
  ]
  for (const [what, value] of hostile) {
    it(`serves on when the owner points to ${what}, and follows the next good record`, async () => {
      await announce(1)
      await serves(1)
      await announce(2, 2, { value })
      assert.equal(mirror.status().state, 'error')
      assert.equal(mirror.status().root, (await rootNumber(1)).toString())
      await announce(2)
      await serves(2)
    })
  }

  it('refuses a record that is valid for a century', async () => {
    await announce(1, 1, { lifetime: 100 * 365 * 24 * 3600_000 })
    assert.match(mirror.status().error ?? '', /five years/)
  })

  it('serves the old root until enough of the new one is here', async () => {
    await announce(1)
    await serves(1)
    const gate = Promise.withResolvers<void>()
    advance = () => gate.promise
    await announce(2)
    const { state: condition, root } = mirror.status()
    assert.deepEqual([condition, root], ['advancing', (await rootNumber(1)).toString()])
    gate.resolve()
    await serves(2)
  })

  it('serves the old root when the source is gone, also after a restart, and moves when it is back', async () => {
    await announce(1)
    await serves(1)
    advance = () => Promise.reject(new Error('block bafy is missing'))
    await announce(2)
    await until(() => mirror.status().error !== undefined)
    assert.match(mirror.status().error ?? '', /cannot be had yet: block bafy is missing/)
    await restart()
    assert.equal(mirror.status().root, (await rootNumber(1)).toString())
    await clock.pass(60_000)
    advance = () => Promise.resolve()
    await clock.pass(300_000)
    await serves(2)
  })

  it('tries the newest root beside the one it overtakes, and leaves out those between', async () => {
    const gate = Promise.withResolvers<void>()
    advance = () => gate.promise
    await announce(1)
    for (const n of [2, 3, 4]) await announce(n)
    gate.resolve()
    await serves(4)
    const left = (await rootNumber(3)).toString()
    assert.ok(advances.every(({ to }) => to !== left))
    const last = advances.at(-1)
    assert.equal(
      last?.from,
      (await rootNumber(2)).toString(),
      'what is needed depends on what served',
    )
  })

  it('is not held up by an attempt at an older root that hangs on a source that has died', async () => {
    const first = await rootNumber(1)
    const { promise: hang } = Promise.withResolvers<void>()
    advance = (to: CID) => (to.equals(first) ? hang : Promise.resolve())
    await announce(1)
    await announce(2)
    await serves(2)
  })

  it('stays where it is when an attempt that was overtaken is late', async () => {
    const first = await rootNumber(1)
    const gate = Promise.withResolvers<void>()
    advance = (to: CID) => (to.equals(first) ? gate.promise : Promise.resolve())
    await announce(1)
    await announce(2)
    await serves(2)
    gate.resolve()
    await settle()
    assert.equal(mirror.status().sequence, '2')
    assert.equal(mirror.status().error, undefined)
  })

  it('gives an attempt up when it hangs and there is a newer root', async () => {
    const first = await rootNumber(1)
    const { promise: hang } = Promise.withResolvers<void>()
    advance = (to: CID) => (to.equals(first) ? hang : Promise.resolve())
    await announce(1)
    await announce(2)
    await clock.pass(11_000)
    await serves(2)
  })

  it('calls the owner where the record says it is, and names it as a provider', async () => {
    const id = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'
    const addresses = [`/ip4/127.0.0.1/tcp/4001/p2p/${id}`]
    await announce(1, 1, { addresses })
    await serves(1)
    assert.deepEqual(dialled[0], addresses)
    assert.deepEqual(advances[0]?.providers, ['owner', id])
  })

  it('passes the record on when its owner is gone', async () => {
    const { bytes } = await announce(1)
    await serves(1)
    owner.leave()
    const third = hub.join('third')
    assert.deepEqual(await third.lookup('us', nameOf(key).routingKey), bytes)
    await restart()
    assert.deepEqual(
      Buffer.from((await third.lookup('us', nameOf(key).routingKey)) ?? []),
      Buffer.from(bytes),
    )
  })

  it('does not pass on what it refused', async () => {
    const { bytes } = await announce(5)
    await announce(5, 6)
    await announce(6, 6, { value: '/ipns/example.org' })
    assert.deepEqual(await hub.join('third').lookup('us', nameOf(key).routingKey), bytes)
  })

  it('tells the record again twice a day', async () => {
    await announce(1)
    await clock.pass(30_000)
    const before = network.published.length
    await clock.pass(12 * 3_600_000)
    assert.equal(network.published.length, before + 1)
  })

  it('calls itself stale when nobody confirms the record for a day, and current again when somebody does', async () => {
    await announce(1)
    await serves(1)
    await clock.pass(25 * 3_600_000)
    assert.equal(mirror.status().state, 'stale')
    await announce(1)
    assert.equal(mirror.status().state, 'current')
  })

  it('serves on, as stale, when the record has expired', async () => {
    const { bytes } = await announce(1, 1, { lifetime: 2 * 3_600_000 })
    await serves(1)
    await clock.pass(3 * 3_600_000) // it was signed by the real clock, some time after ours began
    const { state: condition, root } = mirror.status()
    assert.deepEqual([condition, root], ['stale', (await rootNumber(1)).toString()])
    // Nobody follows that any more, but an owner who lost count learns which sequence was used.
    assert.deepEqual(await hub.join('third').lookup('us', nameOf(key).routingKey), bytes)
  })

  it('is not moved by a record of another key', async () => {
    const value = valueOf(await rootNumber(9))
    const other = await makeRecord(await makeKey(), { sequence: 9n, value })
    await owner.publish(nameOf(key).topic, other.bytes)
    await settle()
    assert.equal(mirror.status().state, 'waiting')
  })

  it('serves no root that it could forget, and serves it when the disk has room again', async () => {
    state.failures = 2 // the floor, and the root
    await announce(1)
    await settle()
    assert.equal(mirror.status().root, undefined)
    assert.match(mirror.status().error ?? '', /no space left on device/)
    await clock.pass(30_000)
    await serves(1)
    await restart()
    await announce(0)
    await serves(1)
  })

  it('starts, and follows nothing, when what it remembers cannot be read', async () => {
    await announce(5)
    await serves(5)
    await state.put(nameOf(key).text, Buffer.from('{"floor":{"sequence":"-1"}}'))
    await restart()
    await announce(6)
    const { state: condition, root } = mirror.status()
    assert.deepEqual([condition, root], ['error', undefined])
  })
})
