import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { multiaddr } from '@multiformats/multiaddr'
import {
  MAX_CONNECTIONS_PER_PEER,
  MAX_INBOUND_STREAMS,
  MAX_PENDING_PER_HOST,
  MAX_SOCKETS,
} from '../../src/ipfs/inbound-limits.ts'
import {
  HALF_A_HANDSHAKE,
  closeAll,
  flood,
  lengthPrefixed,
  openSockets,
  rawStream,
  startStranger,
  stillOpen,
  targetOf,
} from '../ipfs/crowd.ts'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { randomImage } from '../support/random-image.ts'
import { TestNode, eventually } from '../support/two-nodes.ts'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { Target } from '../ipfs/crowd.ts'

const MiB = 1024 * 1024
/** The whole crowd of the fault list is 10,000. */
const SOCKETS = Number(process.env['CROWD_SOCKETS'] ?? 1000)
/** A frame of protobuf, field 1 or another, with bytes. */
const field = (number: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of((number << 3) | 2), varint(bytes.length), bytes])

function varint(value: number): Buffer {
  const digits: number[] = []
  for (let left = value; ; left >>>= 7) {
    digits.push(left < 0x80 ? left : (left & 0x7f) | 0x80)
    if (left < 0x80) return Buffer.from(digits)
  }
}
const prefixed = (bytes: Uint8Array): Buffer => Buffer.concat([varint(bytes.length), bytes])

/** One daemon meets everything that strangers have in store, and does its work at the end. */
describe('a daemon among many, or bad, strangers', function () {
  this.timeout(180_000)
  let daemon: DaemonProcess
  let target: Target
  let stack: AsyncDisposableStack
  let base: number

  before(async () => {
    const listen = ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws']
    daemon = await DaemonProcess.start({ config: { network: { listen } } })
    target = targetOf(daemon.peerAddress)
    base = await residentBytes()
  })
  after(() => daemon.remove())
  beforeEach(() => {
    stack = new AsyncDisposableStack()
  })
  afterEach(async () => {
    await answers()
    await stack.disposeAsync()
    await eventually(async () => (await daemon.status()).network.peers.length === 0, 'no peer left')
  })

  async function residentBytes(): Promise<number> {
    const { pid } = JSON.parse(await readFile(`${daemon.data}/lock`, 'utf8')) as { pid: number }
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kilobytes) * 1024
  }

  /** It is there, for clients and for operators. */
  async function answers(): Promise<void> {
    const response = await fetch(`${daemon.url}/v2/`)
    assert.equal(response.status, 200)
    await daemon.status()
  }

  async function stranger(): Promise<{ libp2p: Libp2p; connection: Connection }> {
    const libp2p = await startStranger()
    stack.defer(async () => libp2p.stop())
    let connection: Connection | undefined
    // A host that has just sent a crowd is let in again a second later.
    await eventually(async () => {
      connection = await libp2p.dial(multiaddr(target.address)).catch(() => undefined)
      return connection !== undefined
    }, 'a stranger gets in')
    return { libp2p, connection: connection ?? assert.fail() }
  }

  for (const [what, first] of [
    ['nothing', undefined],
    ['half a handshake', HALF_A_HANDSHAKE],
  ] as const) {
    it(`keeps few of the connections of a host that say ${what}`, async () => {
      const sockets = await openSockets(target, SOCKETS, { ...(first && { first }) })
      stack.defer(() => closeAll(sockets))
      await eventually(() => stillOpen(sockets) <= MAX_PENDING_PER_HOST, 'the others are closed')
      // Others get in all the while.
      const other = await openSockets(target, 10, { from: '127.0.0.2' })
      stack.defer(() => closeAll(other))
      await answers()
      assert.equal(stillOpen(other), 10)
    })
  }

  it('has a bound on WebSockets that never become any', async () => {
    const { addresses } = await daemon.status()
    const webSocket = targetOf(
      addresses.find((address) => address.includes('/ws')) ?? assert.fail(),
    )
    const sockets = await openSockets(webSocket, 700)
    stack.defer(() => closeAll(sockets))
    await eventually(() => stillOpen(sockets) <= MAX_SOCKETS, 'the others are closed')
  })

  it('is not stopped by proposals of protocols without end, before or after the handshake', async () => {
    const proposals = Buffer.alloc(400_000, Buffer.of(1, 0x0a))
    const hello = lengthPrefixed('/multistream/1.0.0\n')
    const sockets = await openSockets(target, 5, { first: Buffer.concat([hello, proposals]) })
    stack.defer(() => closeAll(sockets))
    await eventually(() => stillOpen(sockets) === 0, 'they are closed')
    const { connection } = await stranger()
    for (let i = 0; i < 5; i++) (await rawStream(connection)).send(proposals)
    await answers()
    await eventually(() => connection.streams.every(({ protocol }) => protocol !== ''), 'they end')
  })

  it('gives a peer few connections, and each of them few streams', async () => {
    const { libp2p, connection } = await stranger()
    for (let i = 0; i < 2 * MAX_CONNECTIONS_PER_PEER; i++)
      await libp2p.dial(multiaddr(target.address), { force: true }).catch(() => undefined)
    await eventually(
      () => libp2p.getConnections().length === MAX_CONNECTIONS_PER_PEER,
      'the others are closed',
    )
    for (let i = 0; i < 1000; i++) await rawStream(connection)
    await eventually(() => connection.streams.length <= MAX_INBOUND_STREAMS, 'the others are reset')
  })

  it('is not stopped by messages without end', async () => {
    const { connection } = await stranger()
    for (const protocol of ['/ipfs/bitswap/1.2.0', '/meshsub/1.1.0', '/ipfs/id/push/1.0.0'])
      for (const bytes of [Buffer.alloc(MiB), Buffer.alloc(MiB, Buffer.of(4, 0x0a, 2, 0x10, 1))]) {
        await flood(connection, protocol, bytes)
        await answers()
      }
  })

  it('holds little of messages that are never finished', async () => {
    const unfinished = Buffer.concat([varint(4 * MiB), Buffer.alloc(3 * MiB)])
    const { libp2p } = await stranger()
    for (let i = 0; i < 2; i++) await libp2p.dial(multiaddr(target.address), { force: true })
    for (const connection of libp2p.getConnections())
      for (let i = 0; i < 32; i++) await flood(connection, '/ipfs/bitswap/1.2.0', unfinished)
    await answers()
    const grown = (await residentBytes()) - base
    assert.ok(grown < 256 * MiB, `it has grown by ${Math.round(grown / MiB)} MiB`)
  })

  it('forgets most of the topics of a peer that subscribes to everything', async () => {
    const { connection } = await stranger()
    const topic = (number: number) =>
      field(1, Buffer.concat([Buffer.of(0x08, 1), field(2, Buffer.from(`/record/${number}`))]))
    const messages = Array.from({ length: 200 }, (_, message) =>
      prefixed(Buffer.concat(Array.from({ length: 500 }, (_, i) => topic(message * 500 + i)))),
    )
    await flood(connection, '/meshsub/1.1.0', Buffer.concat(messages))
    await answers()
    const grown = (await residentBytes()) - base
    assert.ok(grown < 256 * MiB, `it has grown by ${Math.round(grown / MiB)} MiB`)
  })

  it('takes no harm from keys that are none', async () => {
    const rsa = (data: Uint8Array) => Buffer.concat([Buffer.of(0x08, 0x00), field(2, data)])
    const longest = Buffer.of(0x30, 0x84, 0x7f, 0xff, 0xff, 0xff)
    const nested = Buffer.alloc(7000, Buffer.of(0x30, 0x80))
    const keys = [Buffer.alloc(0), Buffer.alloc(7000, 0xff), longest, nested].map(rsa)
    for (const key of [...keys, Buffer.alloc(100, 0xff)]) {
      const identity = prefixed(Buffer.concat([field(1, key), field(6, Buffer.from('evil'))]))
      const libp2p = await startStranger()
      stack.defer(async () => libp2p.stop())
      await libp2p.unhandle('/ipfs/id/1.0.0')
      await libp2p.handle('/ipfs/id/1.0.0', (stream) => {
        stream.send(identity)
        void stream.close()
      })
      const connection = await libp2p.dial(multiaddr(target.address))
      await flood(connection, '/ipfs/id/push/1.0.0', identity)
      await answers()
    }
  })

  it('serves its friends after all that', async () => {
    const image = randomImage({ layers: [1_500_000] })
    await new RegistryClient(daemon.url).pushImage('app', image, { tag: 'latest' })
    await using mirror = await TestNode.start({
      mirrors: [daemon.ipnsName],
      peers: [daemon.peerAddress],
    })
    const { root } = (await daemon.status()).storage
    await mirror.until(({ mirrors }) => mirrors[0]?.root === root, 'the root of the daemon')
    await mirror.client.pullsExactly('app', 'latest', image)
  })
})
