import { once } from 'node:events'
import { connect } from 'node:net'
import { identify } from '@libp2p/identify'
import { tls } from '@libp2p/tls'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Socket } from 'node:net'
import type { Connection, Libp2p, Stream, StreamMuxer } from '@libp2p/interface'
import type { ServiceFactoryMap } from 'libp2p'

/** Where a node listens. */
export interface Target {
  /** A multiaddr with `/p2p/…`, on TCP. */
  readonly address: string
  readonly port: number
}

export function targetOf(address: string): Target {
  const port = multiaddr(address)
    .getComponents()
    .find(({ name }) => name === 'tcp')?.value
  return { address, port: Number(port) }
}

/**
 * Opens so many TCP connections, sends each these bytes, and no more.
 *
 * @param from the loopback address they come from
 */
export async function openSockets(
  { port }: Target,
  count: number,
  options: { first?: Uint8Array; from?: string } = {},
): Promise<Socket[]> {
  const { first, from = '127.0.0.1' } = options
  const sockets: Socket[] = []
  // In batches, or the listener's backlog is full and the system tries again after a second.
  for (let left = count; left > 0; left -= 100) {
    const batch = Array.from({ length: Math.min(100, left) }, () => {
      const socket = connect({ port, host: '127.0.0.1', localAddress: from })
      socket.on('error', () => undefined) // it was refused, which is what is tested
      socket.resume()
      return socket
    })
    sockets.push(...batch)
    await Promise.all(batch.map((socket) => once(socket, 'connect').catch(() => undefined)))
    if (first !== undefined) for (const socket of batch) if (!socket.destroyed) socket.write(first)
  }
  return sockets
}

/** How many of them the other side has left open. */
export function stillOpen(sockets: readonly Socket[]): number {
  return sockets.filter(({ destroyed, readableEnded }) => !destroyed && !readableEnded).length
}

export function closeAll(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.destroy()
}

/** The beginning of a handshake that will not go on. */
export const HALF_A_HANDSHAKE = Buffer.concat([
  lengthPrefixed('/multistream/1.0.0\n'),
  lengthPrefixed('/noise\n'),
])

export function lengthPrefixed(text: string): Buffer {
  return Buffer.concat([Buffer.of(text.length), Buffer.from(text)])
}

type Services = Record<string, unknown>

/** A stranger: stock libp2p with limits of its own taken away. Stop it at the end. */
export async function startStranger(
  services: ServiceFactoryMap<Services> = {},
): Promise<Libp2p<Services>> {
  return createLibp2p<Services>({
    transports: [tcp()],
    connectionEncrypters: [tls()],
    streamMuxers: [yamux({ maxOutboundStreams: 100_000 })],
    connectionMonitor: { enabled: false },
    // A busy machine is not what is tested.
    connectionManager: { dialTimeout: 60_000, addressDialTimeout: 60_000 },
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify(), ping: ping(), ...services },
  })
}

/** A stream on which no protocol was agreed on. */
export async function rawStream(connection: Connection): Promise<Stream> {
  const { muxer } = connection as Connection & { muxer: StreamMuxer }
  return muxer.createStream({})
}

/** Opens a stream for a protocol and sends bytes, as fast as they go; whatever becomes of it. */
export async function flood(
  connection: Connection,
  protocol: string,
  bytes: Uint8Array,
): Promise<Stream | undefined> {
  try {
    const stream = await connection.newStream(protocol, { maxOutboundStreams: 100_000 })
    stream.send(bytes)
    return stream
  } catch {
    return undefined // it was refused, which is what is tested
  }
}
