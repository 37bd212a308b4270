import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { createLibp2p } from 'libp2p'
import { varint } from 'multiformats'
import { RAW, cidFromHash } from '../../src/blocks/cids.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import type { Libp2p } from 'libp2p'
import type { Connection } from '@libp2p/interface'

const bytes = fc.uint8Array({ maxLength: 200 })
const number = fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeNat())

function uvarint(value: number): Uint8Array {
  return varint.encodeTo(value, new Uint8Array(varint.encodingLength(value)))
}

/** Protobuf messages without a schema: fields of every kind, messages in messages. */
const { message } = fc.letrec<{ message: Uint8Array; field: Uint8Array }>((tie) => ({
  message: fc.array(tie('field'), { maxLength: 5 }).map((fields) => Buffer.concat(fields)),
  field: fc
    .tuple(
      fc.nat(8),
      fc.oneof(
        { depthSize: 'small' },
        number.map((value) => [0, uvarint(value)] as const),
        fc
          .oneof(bytes, tie('message'))
          .map((inner) => [2, Buffer.concat([uvarint(inner.length), inner])] as const),
        fc.tuple(fc.nat(7), bytes).map(([type, rest]) => [type, rest.subarray(0, 8)] as const),
      ),
    )
    .map(([id, [type, value]]) => Buffer.concat([uvarint(id * 8 + type), value])),
}))

/** What a bitswap message that wants or brings a block looks like. */
const bitswap = fc
  .record({ hash: fc.uint8Array({ minLength: 32, maxLength: 32 }), type: fc.nat(3), body: bytes })
  .map(({ hash, type, body }) => {
    const cid = cidFromHash(RAW, hash).bytes
    const field = (id: number, inner: Uint8Array) =>
      Buffer.concat([uvarint(id * 8 + 2), uvarint(inner.length), inner])
    const entry = Buffer.concat([field(1, cid), Buffer.from([0x10, 1, 0x20, type, 0x28, 1])])
    const block = Buffer.concat([field(1, cid.subarray(0, 4)), field(2, body)])
    return Buffer.concat([
      field(1, field(1, entry)),
      field(3, block),
      field(4, Buffer.concat([field(1, cid), Buffer.from([0x10, type])])),
    ])
  })

/** With its length before it, rightly or not. */
const frame = fc
  .tuple(
    fc.oneof(message, bitswap, bytes),
    fc.constantFrom('right', 'right', 'right', 'short', 'huge', 'none', 'endless'),
  )
  .map(([body, how]) => {
    const length = how === 'short' ? body.length + 9 : how === 'huge' ? 2 ** 40 : body.length
    const prefix = how === 'endless' ? Buffer.alloc(64, 0xff) : uvarint(length)
    return how === 'none' ? body : Buffer.concat([prefix, body])
  })

describe('strangers on the network', () => {
  let daemon: DaemonProcess
  let stranger: Libp2p
  before(async () => {
    daemon = await DaemonProcess.start({ config: { log: { level: 'warn' } } })
    stranger = await makeStranger()
  })
  after(async () => {
    await stranger?.stop()
    await daemon?.remove()
  })

  function makeStranger(): Promise<Libp2p> {
    return createLibp2p({
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify(), ping: ping() },
    })
  }

  const dial = (client: Libp2p): Promise<Connection> => client.dial(multiaddr(daemon.peerAddress))

  /** Whoever knocks too often is not let in for a second, and all strangers here have one address. */
  async function dialAtLast(client: Libp2p): Promise<Connection> {
    for (;;) {
      try {
        return await dial(client)
      } catch (error) {
        if (!(error instanceof Error)) throw error
        await pause(300) // the test's own time limit ends it
      }
    }
  }

  async function protocolsOf({ remotePeer }: Connection): Promise<string[]> {
    for (;;) {
      const { protocols } = await stranger.peerStore.get(remotePeer)
      if (protocols.some((protocol) => protocol.includes('bitswap'))) return protocols
      await pause(20)
    }
  }

  async function lives(): Promise<void> {
    assert.notEqual(daemon.pid, 0, daemon.log.slice(-20).join('\n'))
    assert.equal((await fetch(`${daemon.url}/healthz`)).status, 200)
    const friend = await makeStranger()
    try {
      const connection = await dialAtLast(friend)
      const { ping: service } = friend.services as { ping: ReturnType<ReturnType<typeof ping>> }
      await service.ping(connection.remotePeer)
    } finally {
      await friend.stop()
    }
  }

  it('who send any frames in any protocol do no harm', async () => {
    const protocols = await protocolsOf(await dial(stranger))
    assert.ok(
      protocols.some((protocol) => protocol.includes('bitswap')),
      protocols.join(),
    )
    assert.ok(
      protocols.some((protocol) => protocol.includes('fetch')),
      protocols.join(),
    )
    assert.ok(
      protocols.some((protocol) => protocol.includes('meshsub')),
      protocols.join(),
    )
    const talk = fc.tuple(
      fc.constantFrom(...protocols),
      fc.array(frame, { maxLength: 4 }),
      fc.boolean(),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(talk, { maxLength: 4 }), async (talks) => {
        for (const [protocol, frames, reset] of talks) await say(protocol, frames, reset)
        assert.notEqual(daemon.pid, 0, daemon.log.slice(-20).join('\n'))
      }),
      { numRuns: 120 },
    )
    await lives()
  })

  async function say(
    protocol: string,
    frames: readonly Uint8Array[],
    reset: boolean,
  ): Promise<void> {
    try {
      const connection = await dial(stranger)
      const stream = await connection.newStream(protocol, { signal: AbortSignal.timeout(2000) })
      for (const each of frames) if (!stream.send(each)) break
      if (reset) stream.abort(new Error('gone'))
      else await stream.close({ signal: AbortSignal.timeout(500) })
    } catch (error) {
      // However it ends for the stranger is right: cut off, refused, or not waited for.
      if (!(error instanceof Error)) throw error
    }
  }

  it('who say anything at the door do no harm', async () => {
    const port = Number(/\/tcp\/(\d+)/.exec(daemon.peerAddress)?.[1])
    const multistream = '\x13/multistream/1.0.0\n'
    const words = fc.oneof(
      bytes,
      fc
        .constantFrom(
          multistream,
          `${multistream}\x07/noise\n`,
          `${multistream}\x0c/tls/1.0.0\n`,
          'GET / HTTP/1.1\r\n\r\n',
        )
        .map((text) => Buffer.from(text, 'latin1')),
      fc
        .tuple(fc.constantFrom('\x07/noise\n', '\x0c/tls/1.0.0\n', '\x03ls\n'), bytes)
        .map(([text, rest]) => Buffer.concat([Buffer.from(multistream + text, 'latin1'), rest])),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(words, { minLength: 1, maxLength: 3 }), async (said) => {
        const socket = connect(port, '127.0.0.1')
        socket.on('error', () => undefined)
        const closed = new Promise<void>((resolve) => void socket.on('close', () => resolve()))
        socket.resume().end(Buffer.concat(said))
        await Promise.race([closed, new Promise((resolve) => void setTimeout(resolve, 20))])
        socket.destroy()
        assert.notEqual(daemon.pid, 0, daemon.log.slice(-20).join('\n'))
      }),
      { numRuns: 100 },
    )
    await lives()
  })
})
