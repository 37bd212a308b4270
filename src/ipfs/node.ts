import { BlockFetcher } from './block-fetcher.ts'
import { BlockNetwork } from './block-network.ts'
import { Discovery } from './discovery.ts'
import { resolveDnsLink } from './dnslink.ts'
import { startHelia } from './helia.ts'
import { PeerDialer } from './peer-dialer.ts'
import { PeerKeeper } from './peer-keeper.ts'
import { BOOTSTRAP_PEERS, LONELY } from './bootstrap.ts'
import { parsePeer } from './peer-address.ts'
import { planNode } from './node-plan.ts'
import { searchProviders } from './provider-search.ts'
import { RecordNetwork } from './record-network.ts'
import { announced } from './scope.ts'
import { silent } from './logger.ts'
import { Transfer } from './transfer/transfer.ts'
import type { LevelDatastore } from 'datastore-level'
import type { CID } from 'multiformats/cid'
import type { BlockStore } from '../blocks/block-store.ts'
import type { FetchOptions, FetchTimes } from './block-fetcher.ts'
import type { NetworkConfig } from './config.ts'
import type { StartedHelia } from './helia.ts'
import type { Keys } from './keys.ts'
import type { Log } from './logger.ts'
import type { Internet } from './node-plan.ts'
import type { UnreachablePeer } from './peer-keeper.ts'
import type { Scopes } from './scope.ts'
import type { Servable } from './serving-blockstore.ts'
import type { AheadWork } from './transfer/ahead.ts'
import type { LinkTimes } from './transfer/link.ts'
import type { ServerLimits } from './transfer/server-limits.ts'

/** What a node is made of. It closes none of these; it must be stopped before they are closed. */
export interface NodeComponents {
  readonly blocks: BlockStore
  readonly datastore: LevelDatastore
  readonly keys: Keys
  readonly servable: Servable
  readonly log?: Log | undefined
  /** Bytes a second that one peer gets; without it as fast as it goes. */
  readonly peerRate?: number | null | undefined
  /** For tests. */
  readonly transferLimits?: Partial<ServerLimits> | undefined
  /** For tests. */
  readonly linkTimes?: Partial<LinkTimes> | undefined
  /** For tests. */
  readonly fetchTimes?: Partial<FetchTimes> | undefined
  /** For tests. */
  readonly redialPause?: number | undefined
  /** For tests of the public mode. */
  readonly internet?: Internet | undefined
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
  /** Calls back when {@link announcedAddresses} may have changed: a relay took us in, say. Returns the way out. */
  onAddresses(listener: () => void): () => void
  peers(): ConnectedPeer[]
  /** The configured peers that cannot be reached now, and why. */
  unreachable(): UnreachablePeer[]
  /** Bytes of blocks that came from other Heliports, or went to them, since the node started. */
  moved(): number
  /**
   * One block from the network, verified; it is not stored.
   *
   * @throws MissingBlockError when no peer delivered it before the deadline (one minute, less when all deny it)
   * @throws RefusedBlockError when it is neither raw nor dag-pb, or its hash is not sha2-256
   */
  fetchBlock(cid: CID, options?: FetchOptions): Promise<Uint8Array>
  /**
   * Fetches some of the blocks that a reader will come to, while there are others that fetch under the same root: from
   * those that have them, and a few from elsewhere, in random order, so that many mirrors feed each other. Returns when
   * all are here, or the signal aborts; it never rejects. `take` brings one block to this disk; `isHere` tells of one.
   */
  fetchAhead(root: CID, cids: readonly CID[], work: AheadWork, signal: AbortSignal): Promise<void>
  /** A block under this root has come here, so others that fetch under it may have it from us. */
  announce(root: CID, cid: CID): void
  /**
   * Connects to a peer by addresses that somebody else named; those out of the mode's scope are passed over, and a
   * peer that is connected already is left alone. False when there is no connection after that that carries blocks and
   * records: a relay with limits does not.
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
  const log = components.log ?? silent
  const internet = config.mode === 'public' ? components.internet : undefined
  const { peers, scopes, guard, resolve } = await planNode(config, { internet, log })
  const started = await startHelia(config, { ...components, scopes, guard })
  const { libp2p } = started.helia
  const keeper = new PeerKeeper(libp2p, peers, { log, pause: components.redialPause, resolve })
  const keepers = [keeper]
  if (config.mode === 'public') {
    const wanted = () => libp2p.getConnections().length < LONELY
    const entrances = (internet?.bootstrap ?? BOOTSTRAP_PEERS).map(parsePeer)
    keepers.push(new PeerKeeper(libp2p, entrances, { log, wanted, level: 'debug' }))
  }
  const discovery =
    config.mode === 'lan' ? [new Discovery(libp2p, { scope: scopes.dials, log })] : []
  const dialer = new PeerDialer(libp2p, scopes.dials)
  const transfer = new Transfer({
    libp2p,
    dialer,
    blocks: started.served,
    tells: scopes.tells,
    limits: { ...components.transferLimits, peerRate: components.peerRate ?? null },
    times: components.linkTimes,
  })
  await transfer.start()
  const guards = guard === undefined ? [] : [guard]
  const helpers = [...keepers, ...discovery, ...guards, transfer, started.exchange]
  const parts = { ...components, scopes, transfer, dialer, keeper }
  return new HeliaNode(config, parts, started, helpers)
}

class HeliaNode implements IpfsNode {
  readonly peerId: string
  readonly keys: Keys
  readonly records: RecordNetwork
  readonly #config: NetworkConfig
  readonly #scopes: Scopes
  readonly #dnsServers: readonly string[] | undefined
  readonly #helia: StartedHelia['helia']
  readonly #blocks: BlockNetwork
  readonly #transfer: Transfer
  readonly #dialer: PeerDialer
  readonly #keeper: PeerKeeper
  readonly #helpers: ReadonlyArray<{ stop(): Promise<void> }>
  #stopping: Promise<void> | undefined

  constructor(
    config: NetworkConfig,
    components: NodeComponents & {
      scopes: Scopes
      transfer: Transfer
      dialer: PeerDialer
      keeper: PeerKeeper
    },
    { helia, exchange }: StartedHelia,
    helpers: ReadonlyArray<{ stop(): Promise<void> }>,
  ) {
    this.#config = config
    this.#scopes = components.scopes
    this.#dnsServers = components.internet?.dnsServers
    this.#helia = helia
    this.#helpers = helpers
    const bitswap = new BlockFetcher(exchange, components.fetchTimes)
    this.#transfer = components.transfer
    this.#dialer = components.dialer
    this.#keeper = components.keeper
    this.#blocks = new BlockNetwork(components.transfer, bitswap)
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

  onAddresses(listener: () => void): () => void {
    const { libp2p } = this.#helia
    libp2p.addEventListener('self:peer:update', listener)
    return () => libp2p.removeEventListener('self:peer:update', listener)
  }

  peers(): ConnectedPeer[] {
    const byId = new Map<string, ConnectedPeer>()
    for (const { remotePeer, remoteAddr } of this.#helia.libp2p.getConnections()) {
      const id = remotePeer.toString()
      if (!byId.has(id)) byId.set(id, { id, address: remoteAddr.toString() })
    }
    return [...byId.values()]
  }

  unreachable(): UnreachablePeer[] {
    return this.#keeper.unreachable()
  }

  moved(): number {
    return this.#transfer.moved
  }

  fetchBlock(cid: CID, options?: FetchOptions): Promise<Uint8Array> {
    return this.#blocks.fetch(cid, options)
  }

  fetchAhead(root: CID, cids: readonly CID[], work: AheadWork, signal: AbortSignal): Promise<void> {
    return this.#transfer.fetchAhead(root, cids, work, signal)
  }

  announce(root: CID, cid: CID): void {
    this.#transfer.announce(root, cid)
  }

  dial(
    addresses: readonly string[],
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<boolean> {
    return this.#dialer.dial(addresses, options.signal)
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
    this.#blocks.close()
    await Promise.all(this.#helpers.map((helper) => helper.stop()))
    await this.#helia.stop()
  }
}

function definedSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}
