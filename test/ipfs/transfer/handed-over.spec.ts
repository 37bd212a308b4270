import assert from 'node:assert/strict'
import { multiaddr } from '@multiformats/multiaddr'
import { FrameStream } from '../../../src/ipfs/transfer/frame-stream.ts'
import { encodeFrame } from '../../../src/ipfs/transfer/frames.ts'
import { Link } from '../../../src/ipfs/transfer/link.ts'
import { ANSWERS, FRAME } from '../../../src/ipfs/transfer/protocol.ts'
import { LinkError } from '../../../src/ipfs/transfer/questions.ts'
import { SERVER_LIMITS } from '../../../src/ipfs/transfer/server-limits.ts'
import { TransferServer } from '../../../src/ipfs/transfer/server.ts'
import { FakeStream, someBlock, turn, until } from './fake-stream.ts'
import type { ServerParts } from '../../../src/ipfs/transfer/server.ts'

type Handle = ServerParts['libp2p']['handle']
type Serve = (stream: FakeStream) => void

/** A server that has every block that it is asked for, and what libp2p hands its streams to. */
async function startServer(): Promise<{ server: TransferServer; serve: Serve }> {
  const handed = Promise.withResolvers<Parameters<Handle>[1]>()
  const handle: Handle = (_protocol, handler) => {
    handed.resolve(handler)
    return Promise.resolve()
  }
  const server = new TransferServer({
    libp2p: {
      handle,
      unhandle: () => Promise.resolve(),
      addEventListener: () => undefined,
      removeEventListener: () => undefined,
    },
    blocks: { has: () => Promise.resolve(true), read: () => Promise.resolve(Buffer.from('block')) },
    describe: () => Promise.resolve(undefined),
    onHello: () => undefined,
  })
  await server.start()
  const handler = await handed.promise
  const remoteAddr = multiaddr('/ip4/192.0.2.1/tcp/4001')
  const connection = { remotePeer: 'peer', remoteAddr } as unknown as Parameters<typeof handler>[1]
  const serve: Serve = (stream) =>
    void handler(stream as unknown as Parameters<typeof handler>[0], connection)
  return { server, serve }
}

/** One that the other side has reset while libp2p had it. */
function deadStream(): FakeStream {
  const stream = new FakeStream()
  stream.receiveReset()
  return stream
}

describe('a stream that ended before it was handed over', () => {
  it('is told as gone once, to whoever has got it by then', async () => {
    const told: string[] = []
    const frames = new FrameStream(deadStream(), ANSWERS, {
      onFrame: () => undefined,
      onRemoteEnd: () => void told.push('remote end'),
      onEnd: () => void told.push('end'),
    })
    assert.deepEqual(told, [])
    await turn()
    assert.deepEqual(told, ['end'])
    assert.throws(() => frames.send(Buffer.of(1)), /was reset before/)
    frames.abort(new Error('again'))
    assert.deepEqual(told, ['end'])
  })

  it('is told as ended by the other side when that has only said all it will', async () => {
    const stream = new FakeStream()
    stream.receiveEnd()
    const told: string[] = []
    const frames = new FrameStream(stream, ANSWERS, {
      onFrame: () => undefined,
      onRemoteEnd: () => void told.push('remote end'),
      onEnd: () => void told.push('end'),
    })
    await turn()
    assert.deepEqual(told, ['remote end'])
    frames.send(Buffer.of(1))
    assert.equal(stream.sentBytes, 1)
  })

  it('takes no place from others at the server', async () => {
    const { server, serve } = await startServer()
    for (let n = 0; n <= SERVER_LIMITS.streams; n++) {
      serve(deadStream())
      await turn()
    }
    const stream = new FakeStream()
    serve(stream)
    stream.receive(encodeFrame(FRAME.want, someBlock().hash))
    await until(() => stream.sent.length > 0 || !stream.isOpen)
    assert.equal(stream.endedWith, undefined)
    await server.stop()
  })

  it('answers nobody, and lets nobody wait', async () => {
    const faults: string[] = []
    const link = new Link(deadStream(), {
      onPeers: () => undefined,
      onNews: () => undefined,
      onEnd: (fault) => void faults.push(fault),
    })
    const { signal } = new AbortController()
    await assert.rejects(link.block(someBlock().hash, { signal }), LinkError)
    assert.deepEqual([link.isOpen, faults], [false, ['none']])
  })
})
