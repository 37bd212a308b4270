import { peerIdFromString } from '@libp2p/peer-id'
import { TransferClient } from './client.ts'
import { Peers } from './peers.ts'
import { TransferServer } from './server.ts'
import type { Libp2p } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'
import type { Scope } from '../scope.ts'
import type { BlockRequest } from './client.ts'
import type { LinkTimes } from './link.ts'
import type { NamedPeer } from './peer-list.ts'
import type { ServedBlocks } from './served-stream.ts'
import type { ServerLimits } from './server-limits.ts'

/** What the transfer between Heliports works with. */
export interface TransferParts {
  readonly libp2p: Libp2p
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
  readonly #server: TransferServer

  constructor(parts: TransferParts) {
    this.#parts = parts
    this.#peers = new Peers(parts.libp2p, { onNamed: () => undefined, times: parts.times })
    this.#client = new TransferClient(this.#peers)
    this.#server = new TransferServer({
      libp2p: parts.libp2p,
      blocks: parts.blocks,
      describe: (peer) => this.#describe(peer),
      onHello: () => undefined,
      limits: parts.limits,
    })
  }

  async start(): Promise<void> {
    await this.#server.start()
    await this.#peers.start()
  }

  async stop(): Promise<void> {
    this.#peers.stop()
    await this.#server.stop()
  }

  /** The block, checked; `undefined` when no Heliport has it. @throws the signal's reason */
  fetch(cid: CID, request: BlockRequest): Promise<Uint8Array | undefined> {
    return this.#client.fetch(cid, request)
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
