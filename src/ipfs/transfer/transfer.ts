import { peerIdFromString } from '@libp2p/peer-id'
import { TransferClient } from './client.ts'
import { Fellows } from './fellows.ts'
import { Peers } from './peers.ts'
import { TransferServer } from './server.ts'
import { Swarm } from './swarm.ts'
import type { Libp2p } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'
import type { PeerDialer } from '../peer-dialer.ts'
import type { Scope } from '../scope.ts'
import type { AheadWork } from './ahead.ts'
import type { BlockRequest } from './client.ts'
import type { LinkTimes } from './link.ts'
import type { NamedPeer } from './peer-list.ts'
import type { ServedBlocks } from './served-stream.ts'
import type { ServerLimits } from './server-limits.ts'

/** What the transfer between Heliports works with. */
export interface TransferParts {
  readonly libp2p: Libp2p
  readonly dialer: PeerDialer
  readonly blocks: ServedBlocks
  /** Which addresses of peers are told to others. */
  readonly tells: Scope
  readonly limits?: Partial<ServerLimits> | undefined
  readonly times?: Partial<LinkTimes> | undefined
}

/** The protocol `/heliport/blocks/1`, both sides. */
export class Transfer {
  readonly #parts: TransferParts
  readonly #peers: Peers
  readonly #client: TransferClient
  readonly #fellows: Fellows
  readonly #swarm: Swarm
  readonly #server: TransferServer

  constructor(parts: TransferParts) {
    this.#parts = parts
    const peers = new Peers(parts.libp2p, {
      times: parts.times,
      onNamed: (root, named) => this.#fellows.onNamed(root, named),
      onNews: (peer, hashes) => this.#swarm.onNews(peer, hashes),
      onChange: (peer) => {
        this.#fellows.onChange(peer)
        if (!peers.isConnected(peer)) this.#swarm.onGone(peer)
      },
    })
    this.#peers = peers
    this.#client = new TransferClient(peers)
    this.#fellows = new Fellows({
      peers,
      dial: (addresses, { signal }) => parts.dialer.dial(addresses, signal),
      onFellow: (root, peer) => this.#swarm.onFellow(root, peer),
    })
    const self = parts.libp2p.peerId.toString()
    this.#swarm = new Swarm({ self, peers, client: this.#client, fellows: this.#fellows })
    this.#server = new TransferServer({
      libp2p: parts.libp2p,
      blocks: parts.blocks,
      describe: (peer) => this.#describe(peer),
      onHello: (root, peer) => this.#fellows.onHello(root, peer),
      limits: parts.limits,
    })
  }

  async start(): Promise<void> {
    await this.#server.start()
    await this.#peers.start()
  }

  async stop(): Promise<void> {
    this.#fellows.stop()
    this.#peers.stop()
    await this.#server.stop()
  }

  /** Bytes of blocks that came or went. */
  get moved(): number {
    return this.#client.received + this.#server.sent
  }

  /** The block, checked; `undefined` when no Heliport has it. @throws the signal's reason */
  fetch(cid: CID, request: BlockRequest): Promise<Uint8Array | undefined> {
    const { root, providers } = request
    if (root !== undefined) this.#fellows.join(root.multihash.digest, providers)
    return this.#swarm.fetch(cid, request)
  }

  /** See `IpfsNode.fetchAhead`. */
  fetchAhead(root: CID, cids: readonly CID[], work: AheadWork, signal: AbortSignal): Promise<void> {
    return this.#swarm.ahead(root, cids, work, signal)
  }

  /** A block under this root has come here. */
  announce(root: CID, cid: CID): void {
    this.#swarm.onKept(cid)
    this.#server.announce(root.multihash.digest, cid.multihash.digest)
  }

  /** A peer as others may be told of it; `undefined` when it has no address that may be told. */
  async #describe(peer: string): Promise<NamedPeer | undefined> {
    const id = peerIdFromString(peer)
    const known = await this.#parts.libp2p.peerStore.get(id).catch(() => undefined) // it has gone meanwhile
    const addresses = (known?.addresses ?? []).map(({ multiaddr }) => multiaddr)
    const told = addresses.filter((address) => this.#parts.tells(address))
    if (told.length === 0) return undefined
    return { id: id.toMultihash().bytes, addresses: told.map(({ bytes }) => bytes) }
  }
}
