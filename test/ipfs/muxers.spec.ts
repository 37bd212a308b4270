import assert from 'node:assert/strict'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { stockYamux, wideYamux } from '../../src/ipfs/muxers.ts'
import type { Libp2p, Stream } from '@libp2p/interface'

const MIB = 1024 * 1024
const PROTOCOL = '/test/1.0.0'

describe('a stream to a node that is busy when much arrives', () => {
  const muxers: Array<[string, Parameters<typeof start>[0]]> = [
    ['another Heliport', [wideYamux(), stockYamux()]],
    ['somebody else', [yamux()]],
  ]
  for (const [who, theirs] of muxers) {
    it(`loses nothing of what ${who} sends`, async () => {
      const reader = await start([wideYamux(), stockYamux()])
      const writer = await start(theirs)
      const incoming = Promise.withResolvers<Stream>()
      await reader.handle(PROTOCOL, (stream) => incoming.resolve(stream))
      await writer.dial(reader.getMultiaddrs())

      const out = await writer.dialProtocol(reader.peerId, PROTOCOL)
      for (let i = 0; i < 8; i++) if (!out.send(new Uint8Array(MIB))) await out.onDrain()
      await out.close()
      const stream = await incoming.promise
      while (stream.readBufferLength < 8 * MIB && stream.status === 'open')
        await new Promise((resolve) => void setTimeout(resolve, 5))
      assert.equal(stream.readBufferLength, 8 * MIB)

      await Promise.all([reader.stop(), writer.stop()])
    })
  }
})

function start(streamMuxers: Array<ReturnType<typeof wideYamux>>): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers,
  })
}
