import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import type { Internet } from '../../src/ipfs/node-plan.ts'

/** A relay on loopback (circuit v2), which is a public node's whole internet. */
export interface OwnRelay extends Internet, AsyncDisposable {
  readonly peerId: string
  /** Where it listens, with its peer id. */
  readonly address: string
  stop(): Promise<void>
}

/**
 * Stock libp2p, not ours.
 *
 * @param options.limited whether a connection through it ends after two minutes or 128 KiB, as with public relays
 * @param options.listen a multiaddr
 */
export async function startRelay(
  options: { limited?: boolean; listen?: string } = {},
): Promise<OwnRelay> {
  const { limited = false, listen = '/ip4/127.0.0.1/tcp/0' } = options
  const relay = await createLibp2p({
    addresses: { listen: [listen] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 100 },
    services: {
      identify: identify(),
      ping: ping(),
      relay: circuitRelayServer({ reservations: { applyDefaultLimit: limited } }),
    },
  })
  const address = relay.getMultiaddrs()[0]?.toString() ?? ''
  const stop = async () => relay.stop()
  return {
    peerId: relay.peerId.toString(),
    address,
    bootstrap: [address],
    // Relayed addresses count by their relay.
    scope: (multiaddr) => multiaddr.toString().startsWith('/ip4/127.0.0.1/'),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
