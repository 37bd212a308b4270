import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { ed25519Crypto } from '@ipshipyard/crypto'
import { keychain } from '@ipshipyard/keychain'
import { ipnsRecords } from '../../src/ipfs/ipns-records.ts'
import { isLoopback } from '../../src/ipfs/scope.ts'
import type { KadDHT } from '@libp2p/kad-dht'
import type { Identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import type { Ping } from '@libp2p/ping'
import type { Datastore } from 'interface-datastore'
import type { Internet } from '../../src/ipfs/node-plan.ts'

type Server = Libp2p<{ dht: KadDHT; identify: Identify; ping: Ping }>

/**
 * An internet of a few DHT servers on loopback. They are not ours: stock libp2p that speaks the protocol of the public
 * DHT, and neither pubsub, nor lookups of records, nor bitswap.
 */
export interface OwnInternet extends Internet, AsyncDisposable {
  readonly ids: readonly string[]
}

export async function startInternet(size = 3): Promise<OwnInternet> {
  const rules = ipnsRecords(
    keychain()({ datastore: {} as Datastore, getCrypto: () => ed25519Crypto() }),
  )
  const servers: Server[] = []
  for (let i = 0; i < size; i++) {
    const server = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionGater: { denyDialMultiaddr: (address) => !isLoopback(address) },
      services: {
        identify: identify(),
        ping: ping(),
        dht: kadDHT({
          protocol: '/ipfs/kad/1.0.0',
          clientMode: false,
          peerInfoMapper: passthroughMapper,
          allowQueryWithZeroPeers: true,
          validators: { ipns: rules.validate },
          selectors: { ipns: rules.select },
        }),
      },
    })
    for (const other of servers) await server.dial(other.getMultiaddrs())
    servers.push(server)
  }
  return {
    scope: isLoopback,
    bootstrap: servers.flatMap((server) => server.getMultiaddrs().map(String)),
    ids: servers.map(({ peerId }) => peerId.toString()),
    async [Symbol.asyncDispose]() {
      for (const server of servers) await server.stop()
    },
  }
}
