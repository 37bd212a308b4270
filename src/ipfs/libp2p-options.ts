import { autoNAT } from '@libp2p/autonat'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { dcutr } from '@libp2p/dcutr'
import { fetch } from '@libp2p/fetch'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { kadDHT } from '@libp2p/kad-dht'
import { mdns } from '@libp2p/mdns'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { DEFAULT_LISTEN } from './config.ts'
import { stockYamux, wideYamux } from './muxers.ts'
import { gaterOf } from './gater.ts'
import { guardedMuxer } from './guarded-muxer.ts'
import {
  MAX_CONNECTIONS,
  MAX_CONNECTIONS_PER_SECOND,
  MAX_GOSSIP_BYTES,
  MAX_PENDING,
  MAX_SOCKETS,
  MAX_TOPIC_BYTES_PER_PEER,
} from './inbound-limits.ts'
import { ipnsRecords } from './ipns-records.ts'
import { guardedEncrypter } from './negotiation-guard.ts'
import { hasPeerId } from './scope.ts'
import { StreamBudget } from './stream-budget.ts'
import { boundedWebSockets } from './web-sockets.ts'
import type { Keychain } from '@ipshipyard/keychain'
import type { Fetch } from '@libp2p/fetch'
import type { GossipSub } from '@libp2p/gossipsub'
import type { Identify } from '@libp2p/identify'
import type { ConnectionProtector, PrivateKey } from '@libp2p/interface'
import type { Ping } from '@libp2p/ping'
import type { Libp2pOptions, ServiceFactoryMap } from 'libp2p'
import type { NetworkConfig } from './config.ts'
import type { Scopes } from './scope.ts'
import type { SwarmGuard } from './swarm-guard.ts'

/**
 * A peer that vanished is noticed after four minutes at most; without this the kernel takes a quarter of an hour.
 * The stock monitor cuts a line that is busy with blocks: after 5 s without an answer, and also because its pings
 * overlap and a peer takes only two at once (facts S8). So a ping has almost two minutes, and they do not overlap.
 */
const MONITOR = {
  pingInterval: 120_000,
  pingTimeout: { minTimeout: 110_000, maxTimeout: 110_000 },
  abortConnectionOnPingFailure: true,
}

/** The services that every mode has. */
export interface Services extends Record<string, unknown> {
  identify: Identify
  ping: Ping
  fetch: Fetch
  pubsub: GossipSub
}

/** What the options are made from besides the configuration. */
export interface Libp2pParts {
  readonly privateKey: PrivateKey
  readonly keychain: Keychain
  readonly scopes: Scopes
  /** Of a private network. */
  readonly guard?: SwarmGuard | undefined
}

/**
 * The libp2p node of each mode. What a mode does not name it does not get: no delegated routing, auto-TLS, UPnP,
 * WebRTC or mplex anywhere (promise I10, faults §0.10).
 */
export function libp2pOptions(config: NetworkConfig, parts: Libp2pParts): Libp2pOptions<Services> {
  const budget = new StreamBudget()
  const common: Libp2pOptions<Services> = {
    privateKey: parts.privateKey,
    addresses: { listen: [...(config.listen ?? DEFAULT_LISTEN[config.mode])] },
    transports: [tcp({ maxConnections: MAX_SOCKETS }), boundedWebSockets()],
    // TLS first: its records are made outside of JavaScript, and it is half as fast again (facts §5).
    connectionEncrypters: [guardedEncrypter(tls()), guardedEncrypter(noise())],
    streamMuxers: [wideYamux(), stockYamux()].map((muxer) => guardedMuxer(muxer, budget)),
    connectionGater: gaterOf(config, parts.scopes, parts.guard),
    connectionMonitor: MONITOR,
    connectionManager: {
      maxConnections: MAX_CONNECTIONS,
      inboundConnectionThreshold: MAX_CONNECTIONS_PER_SECOND,
      maxIncomingPendingConnections: MAX_PENDING,
      // A `/dnsaddr` is looked up before the gater is asked, and any peer may claim to have one.
      ...(config.mode === 'public' ? {} : { resolvers: {} }),
    },
    // What a peer says of itself, or of others, is not even written down when we would not call it.
    peerStore: {
      addressFilter: (peer, address) =>
        parts.scopes.dials(hasPeerId(address) ? address : address.encapsulate(`/p2p/${peer}`)),
    },
    services: commonServices(),
  }
  switch (config.mode) {
    case 'public':
      return publicOptions(common, parts)
    case 'lan':
      return {
        ...common,
        peerDiscovery: [mdns({ serviceTag: '_heliport._udp.local', interval: 5_000 })],
      }
    case 'private':
      return { ...common, connectionProtector: protectorOf(parts) }
    case 'offline':
      return common
  }
}

/** A private network without its lock must not come into being, whoever asks for it. */
function protectorOf({ guard }: Libp2pParts): () => ConnectionProtector {
  if (guard === undefined) throw new Error('a private network needs its key')
  return guard.protector
}

function commonServices(): ServiceFactoryMap<Services> {
  return {
    identify: identify(),
    ping: ping(),
    fetch: fetch({ maxInboundStreams: 16 }),
    pubsub: gossipsub({
      allowPublishToZeroTopicPeers: true,
      emitSelf: false,
      doPX: false,
      maxInboundDataLength: MAX_GOSSIP_BYTES,
      maxTopicBytesPerPeer: MAX_TOPIC_BYTES_PER_PEER,
    }),
  }
}

function publicOptions(
  common: Libp2pOptions<Services>,
  parts: Libp2pParts,
): Libp2pOptions<Services> {
  const rules = ipnsRecords(parts.keychain)
  return {
    ...common,
    addresses: { listen: [...(common.addresses?.listen ?? []), '/p2p-circuit'] },
    transports: [...(common.transports ?? []), circuitRelayTransport()],
    services: {
      ...commonServices(),
      autoNAT: autoNAT(),
      dcutr: dcutr(),
      dht: kadDHT({
        protocol: '/ipfs/kad/1.0.0',
        peerInfoMapper: ({ id, multiaddrs }) => ({
          id,
          multiaddrs: multiaddrs.filter(parts.scopes.dials),
        }),
        validators: { ipns: rules.validate },
        selectors: { ipns: rules.select },
      }),
    },
  }
}
