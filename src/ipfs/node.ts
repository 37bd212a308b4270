import { multiaddr } from '@multiformats/multiaddr'
import { BlockFetcher } from './block-fetcher.ts'
import { Discovery } from './discovery.ts'
import { resolveDnsLink } from './dnslink.ts'
import { startHelia } from './helia.ts'
import { PeerKeeper } from './peer-keeper.ts'
import { BOOTSTRAP_PEERS, LONELY } from './bootstrap.ts'
import { parsePeer } from './peer-address.ts'
import { planNode } from './node-plan.ts'
import { searchProviders } from './provider-search.ts'
import { RecordNetwork } from './record-network.ts'
import { announced, hasPeerId, scopesOf } from './scope.ts'
import { silent } from './logger.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { LevelDatastore } from 'datastore-level'
import type { CID } from 'multiformats/cid'
import type { BlockStore } from '../blocks/block-store.ts'
import type { FetchOptions, FetchTimes } from './block-fetcher.ts'
import type { NetworkConfig } from './config.ts'
import type { StartedHelia } from './helia.ts'
import type { Keys } from './keys.ts'
import type { Log } from './logger.ts'
import type { Scope, Scopes } from './scope.ts'
import type { Servable } from './serving-blockstore.ts'

/** What a node is made of. It closes none of these; it must be stopped before they are closed. */
export interface NodeComponents {
  readonly blocks: BlockStore
  readonly datastore: LevelDatastore
  readonly keys: Keys
  readonly servable: Servable
  readonly log?: Log | undefined
  /** For tests. */
  readonly fetchTimes?: Partial<FetchTimes> | undefined
  /** For tests. */
  readonly redialPause?: number | undefined
  /** For tests of the public mode. */
  readonly internet?: Internet | undefined
}

/** What takes the place of the internet for a public node. */
export interface Internet {
  /** Multiaddrs, each with `/p2p/…`. */
  readonly bootstrap: readonly string[]
  /** Which addresses count as global. */
  readonly scope: Scope
  /** DNS servers (`address:port`) in the place of the system's. */
  readonly dnsServers?: readonly string[] | undefined
}

/** A peer we are connected to. */
interface ConnectedPeer {
  readonly id: string
  readonly address: string
}

/** The IPFS node of this process. */
export interface IpfsNode extends AsyncDisposable {
  readonly peerId: string
  readonly keys: Keys
  /** What the naming room works with. */
  readonly records: RecordNetwork
  /** Where we listen, with our peer id. */
  addresses(): string[]
  /** The addresses worth telling others: in the mode's scope, at most 8, best first. */
  announcedAddresses(): string[]
  peers(): ConnectedPeer[]
  /**
   * One block from the network, verified; it is not stored.
   *
   * @throws MissingBlockError when no peer delivered it before the deadline (one minute, less when all deny it)
   * @throws RefusedBlockError when it is neither raw nor dag-pb, or its hash is not sha2-256
   */
  fetchBlock(cid: CID, options?: FetchOptions): Promise<Uint8Array>
  /**
   * Connects to a peer by addresses that somebody else named; those out of the mode's scope are passed over, and a
   * peer that is connected already is left alone. False when there is no connection after that.
   */
  dial(
    addresses: readonly string[],
    options?: { signal?: AbortSignal | undefined },
  ): Promise<boolean>
  /** Tells the public DHT that we have this root; nothing in the other modes. */
  provide(root: CID, options?: { signal?: AbortSignal | undefined }): Promise<void>
  /** Connects to a few peers that the public DHT names for this root; their peer ids. None in the other modes. */
  findProviders(root: CID, options?: { signal?: AbortSignal | undefined }): Promise<string[]>
  /**
   * The IPNS name (`k51…`) a domain stands for; `undefined` when its DNSLink points elsewhere. Only in `public`: the
   * other modes ask no foreign DNS.
   */
  resolveDnsLink(
    domain: string,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<string | undefined>
  /** Ends everything the node opened. Idempotent. */
  stop(): Promise<void>
}

/**
 * Starts the node.
 *
 * @throws StartError when the configuration cannot be followed: a contradiction, a taken port
 */
export async function openNode(
  config: NetworkConfig,
  components: NodeComponents,
): Promise<IpfsNode> {
  const { peers } = planNode(config)
  const internet = config.mode === 'public' ? components.internet : undefined
  const scopes = {
    ...scopesOf(config.mode),
    ...(internet && { dials: internet.scope, tells: internet.scope }),
  }
  const started = await startHelia(config, { ...components, scopes })
  const log = components.log ?? silent
  const { libp2p } = started.helia
  const keepers = [new PeerKeeper(libp2p, peers, { log, pause: components.redialPause })]
  if (config.mode === 'public') {
    const wanted = () => libp2p.getConnections().length < LONELY
    const entrances = (internet?.bootstrap ?? BOOTSTRAP_PEERS).map(parsePeer)
    keepers.push(new PeerKeeper(libp2p, entrances, { log, wanted, level: 'debug' }))
  }
  const discovery =
    config.mode === 'lan' ? [new Discovery(libp2p, { scope: scopes.dials, log })] : []
  return new HeliaNode(config, { ...components, scopes }, started, [...keepers, ...discovery])
}

class HeliaNode implements IpfsNode {
  readonly peerId: string
  readonly keys: Keys
  readonly records: RecordNetwork
  readonly #config: NetworkConfig
  readonly #scopes: Scopes
  readonly #dnsServers: readonly string[] | undefined
  readonly #helia: StartedHelia['helia']
  readonly #fetcher: BlockFetcher
  readonly #helpers: ReadonlyArray<{ stop(): Promise<void> }>
  #stopping: Promise<void> | undefined

  constructor(
    config: NetworkConfig,
    components: NodeComponents & { scopes: Scopes },
    { helia, exchange }: StartedHelia,
    helpers: ReadonlyArray<{ stop(): Promise<void> }>,
  ) {
    this.#config = config
    this.#scopes = components.scopes
    this.#dnsServers = components.internet?.dnsServers
    this.#helia = helia
    this.#helpers = helpers
    this.#fetcher = new BlockFetcher(exchange, components.fetchTimes)
    this.peerId = helia.libp2p.peerId.toString()
    this.keys = components.keys
    this.records = new RecordNetwork(helia.libp2p, { dht: config.mode === 'public' })
  }

  addresses(): string[] {
    return this.#helia.libp2p.getMultiaddrs().map(String)
  }

  announcedAddresses(): string[] {
    return announced(this.#scopes.tells, this.#helia.libp2p.getMultiaddrs())
  }

  peers(): ConnectedPeer[] {
    const byId = new Map<string, ConnectedPeer>()
    for (const { remotePeer, remoteAddr } of this.#helia.libp2p.getConnections()) {
      const id = remotePeer.toString()
      if (!byId.has(id)) byId.set(id, { id, address: remoteAddr.toString() })
    }
    return [...byId.values()]
  }

  fetchBlock(cid: CID, options?: FetchOptions): Promise<Uint8Array> {
    return this.#fetcher.fetch(cid, options)
  }

  async dial(
    addresses: readonly string[],
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<boolean> {
    const { dials } = this.#scopes
    const usable = addresses
      .slice(0, 8)
      .flatMap(tryMultiaddr)
      .filter((a) => hasPeerId(a) && dials(a))
    const byPeer = Map.groupBy(usable, (address) => address.getComponents().at(-1)?.value ?? '')
    const connected = await Promise.all(
      [...byPeer].map(([id, group]) => this.#dialPeer(id, group, options.signal)),
    )
    return connected.includes(true)
  }

  async #dialPeer(
    id: string,
    addresses: Multiaddr[],
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (id === this.peerId) return false
    if (this.peers().some((peer) => peer.id === id)) return true
    try {
      const timeout = AbortSignal.timeout(10_000)
      await this.#helia.libp2p.dial(addresses, {
        signal: AbortSignal.any(signal ? [signal, timeout] : [timeout]),
      })
      return true
    } catch {
      // Whatever the reason, these addresses lead nowhere now; the caller only wants to know that.
      signal?.throwIfAborted()
      return false
    }
  }

  async provide(root: CID, options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    if (this.#config.mode !== 'public') return
    await this.#helia.libp2p.contentRouting.provide(root, definedSignal(options.signal))
  }

  async findProviders(
    root: CID,
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<string[]> {
    if (this.#config.mode !== 'public') return []
    return searchProviders(
      this.#helia.libp2p.contentRouting,
      root,
      (addresses, signal) => this.dial(addresses, { signal }),
      options.signal,
    )
  }

  async resolveDnsLink(
    domain: string,
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<string | undefined> {
    if (this.#config.mode !== 'public')
      throw new Error(`domains are looked up only in the public mode, not in ${this.#config.mode}`)
    return resolveDnsLink(domain, { ...options, servers: this.#dnsServers })
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    this.#fetcher.close()
    await Promise.all(this.#helpers.map((helper) => helper.stop()))
    await this.#helia.stop()
  }
}

function tryMultiaddr(text: string): Multiaddr[] {
  try {
    return [multiaddr(text)]
  } catch {
    return [] // somebody else's text; what is no address leads nowhere
  }
}

function definedSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}
