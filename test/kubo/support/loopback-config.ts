import type { Section } from '../../support/merge.ts'

/**
 * What makes a Kubo speak to loopback and to the peers it is given, and to nobody else: everything that by default
 * calls the public network, or lets it call, is off. Over what `ipfs init` writes. (docs/network.md, "Kubo", shows it.)
 */
export function loopbackConfig(ports: { swarm: number; api: number }): Section {
  return {
    Addresses: {
      Swarm: [`/ip4/127.0.0.1/tcp/${ports.swarm}`],
      API: `/ip4/127.0.0.1/tcp/${ports.api}`,
      Gateway: [],
      Announce: [],
      NoAnnounce: [],
    },
    // Whom it asks by itself: the bootstrap nodes, the DHT and HTTP routers, HTTP gateways, DNS over HTTPS.
    Bootstrap: [],
    AutoConf: { Enabled: false },
    Routing: { Type: 'none', DelegatedRouters: [] },
    Ipns: { UsePubsub: true, DelegatedPublishers: [] },
    Provide: { Enabled: false },
    HTTPRetrieval: { Enabled: false },
    DNS: { Resolvers: {} },
    // How it is found, and opens ways in: mDNS, UPnP, relays, certificates.
    Discovery: { MDNS: { Enabled: false } },
    AutoTLS: { Enabled: false },
    AutoNAT: { ServiceMode: 'disabled' },
    Swarm: {
      DisableNatPortMap: true,
      RelayClient: { Enabled: false },
      RelayService: { Enabled: false },
      EnableHolePunching: false,
      Transports: {
        Network: {
          Relay: false,
          QUIC: false,
          WebTransport: false,
          WebRTCDirect: false,
          Websocket: false,
        },
      },
    },
    // What it tells its makers.
    Plugins: { Plugins: { telemetry: { Disabled: true } } },
    Version: { SwarmCheckEnabled: false },
  }
}
