import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { answerParent } from '../support/peer.ts'
import { MIB } from '../support/figures.ts'

/* One libp2p stream over TCP, TLS and yamux, all as they come; one end writes, the other throws away. */

export type StreamRequest =
  /** Where this node is. */
  | { do: 'address' }
  /** Has so many MiB sent from the peer at that address. */
  | { do: 'pull'; mebibytes: number; from: string }

export interface StreamAnswer {
  address: string
  bytes: number
  /** From the opening of the stream to its end. */
  ms: number
}

const PROTOCOL = '/heliport-bench/stream/1'

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [tls()],
  streamMuxers: [yamux()],
})
await node.handle(PROTOCOL, async (stream) => {
  // The first four bytes say how much is wanted.
  let wanted = 0
  for await (const bytes of stream) {
    wanted = Buffer.from(bytes.subarray()).readUInt32BE()
    break
  }
  const piece = Buffer.alloc(MIB, 1)
  for (let sent = 0; sent < wanted; sent++) if (!stream.send(piece)) await stream.onDrain()
  await stream.close()
})

answerParent<StreamRequest, StreamAnswer>(async (request) => {
  const address = String(node.getMultiaddrs()[0])
  if (request.do === 'address') return { address, bytes: 0, ms: 0 }
  const connection = await node.dial(multiaddr(request.from))
  const began = performance.now()
  const stream = await connection.newStream(PROTOCOL)
  const wanted = Buffer.alloc(4)
  wanted.writeUInt32BE(request.mebibytes)
  stream.send(wanted)
  let bytes = 0
  for await (const chunk of stream) bytes += chunk.byteLength
  return { address, bytes, ms: performance.now() - began }
})
