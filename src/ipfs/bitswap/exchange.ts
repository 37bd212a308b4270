import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { createHash } from 'node:crypto'
import { hostOf } from '../host-of.ts'
import { readMessages } from './inbox.ts'
import { sendMessage } from './outbox.ts'
import { WantServer } from './want-server.ts'
import { BITSWAP, decodeMessage, encodeWant } from './wire.ts'
import type { Connection, Libp2p, PeerId, Stream } from '@libp2p/interface'
import type { Log } from '../logger.ts'
import type { WantServerParts } from './want-server.ts'
import type { Message } from './wire.ts'

/** Streams of one connection; each message may have one. */
const MAX_INBOUND_STREAMS = 32
const MAX_OUTBOUND_STREAMS = 128

/**
 * Bytes of blocks that nobody asked for, after which a peer is cut off, beyond what it was asked for and gave: some come
 * late, and are not awaited any more.
 */
const MAX_UNASKED_BYTES = 16 * 1024 * 1024

const RAW = 0x55
const SHA2_256 = 0x12

/** What a peer said about a block. */
export interface Answer {
  readonly peer: PeerId
  /** A raw CID of what the block's bytes hash to, or of what the peer was asked about. */
  readonly cid: CID
  readonly has: boolean
  readonly block?: Uint8Array | undefined
}

/** Asking single peers for single blocks. */
export interface BlockExchange {
  /** Connected peers that speak bitswap. */
  peers(): PeerId[]
  /**
   * Asks a peer for a block, or whether it has it. Rejects when the question could not be sent; the answer comes
   * through {@link onAnswer}, after or before this resolves.
   *
   * @param signal aborted when the answer is no longer awaited
   */
  ask(kind: 'block' | 'presence', cid: CID, peer: PeerId, signal: AbortSignal): Promise<void>
  /** @param listener says whether somebody waits for the answer */
  onAnswer(listener: (answer: Answer) => boolean): void
}

type Network = Pick<
  Libp2p,
  | 'handle'
  | 'unhandle'
  | 'register'
  | 'unregister'
  | 'dialProtocol'
  | 'getConnections'
  | 'addEventListener'
  | 'removeEventListener'
>

/** What {@link Bitswap} works with. */
export interface BitswapParts {
  readonly libp2p: Network
  readonly blocks: WantServerParts['blocks']
  readonly log: Log
}

/**
 * Bitswap 1.2.0, both sides of it, in a few hundred lines of our own: the stock one holds the event loop for 1.6 s over 4 MiB of a
 * stranger, reads 32 blocks into memory for each peer that wants them, whether it takes
 * them or not, does not answer a second time, and stalls on slow lines (facts S6, S8; faults C21).
 */
export class Bitswap implements BlockExchange {
  readonly #libp2p: Network
  readonly #log: Log
  readonly #server: WantServer
  readonly #peers = new Map<string, PeerId>()
  readonly #listeners = new Set<(answer: Answer) => boolean>()
  /** Bytes of unasked blocks, less those of others, by peer. */
  readonly #unasked = new Map<string, number>()
  readonly #stop = new AbortController()
  #topology: string | undefined
  // Not the topology's `onDisconnect`: that is told only of peers that said themselves that they speak bitswap.
  readonly #onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    const id = detail.toString()
    this.#peers.delete(id)
    this.#unasked.delete(id)
    this.#server.forget(id)
  }

  constructor({ libp2p, blocks, log }: BitswapParts) {
    this.#libp2p = libp2p
    this.#log = log
    this.#server = new WantServer({
      blocks,
      send: async (id, message, { signal, onMoved }) => {
        const peer = this.#peers.get(id)
        const either = AbortSignal.any([signal, this.#stop.signal])
        if (peer !== undefined)
          await sendMessage(libp2p, peer, message, { signal: either, onMoved })
      },
      drop: (id, error) => this.#drop(id, error),
    })
  }

  async start(): Promise<void> {
    this.#libp2p.addEventListener('peer:disconnect', this.#onDisconnect)
    await this.#libp2p.handle(BITSWAP, (stream, connection) => this.#read(stream, connection), {
      maxInboundStreams: MAX_INBOUND_STREAMS,
      maxOutboundStreams: MAX_OUTBOUND_STREAMS,
    })
    this.#topology = await this.#libp2p.register(BITSWAP, {
      onConnect: (peer) => void this.#peers.set(peer.toString(), peer),
    })
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the node stops'))
    this.#server.stop()
    this.#libp2p.removeEventListener('peer:disconnect', this.#onDisconnect)
    if (this.#topology !== undefined) this.#libp2p.unregister(this.#topology)
    await this.#libp2p.unhandle(BITSWAP)
  }

  peers(): PeerId[] {
    return [...this.#peers.values()]
  }

  async ask(
    kind: 'block' | 'presence',
    cid: CID,
    peer: PeerId,
    signal: AbortSignal,
  ): Promise<void> {
    const either = AbortSignal.any([signal, this.#stop.signal])
    await sendMessage(this.#libp2p, peer, encodeWant(cid, kind), { signal: either })
  }

  onAnswer(listener: (answer: Answer) => boolean): void {
    this.#listeners.add(listener)
  }

  async #read(stream: Stream, connection: Connection): Promise<void> {
    const peer = connection.remotePeer
    try {
      await stream.close({ signal: this.#stop.signal }) // nothing is answered on it
      await readMessages(stream, (bytes) => this.#take(peer, decodeMessage(bytes)))
    } catch (error) {
      // A peer's stream: whatever ends it is the peer's affair, and is no more than told.
      stream.abort(error instanceof Error ? error : new Error(String(error)))
      this.#log.debug({ peer: peer.toString(), err: error }, 'a stream of bitswap was ended')
    }
  }

  #take(peer: PeerId, { wants, isFull, blocks, presences }: Message): void {
    const [connection] = this.#libp2p.getConnections(peer)
    if (connection === undefined) return // it has left behind what we read only now
    if (wants.length > 0 || isFull) {
      // Who speaks it to us can be answered, though libp2p may learn of that only later.
      this.#peers.set(peer.toString(), peer)
      const asker = { peer: peer.toString(), host: hostOf(connection.remoteAddr) }
      this.#server.receive(asker, wants, isFull)
    }
    for (const bytes of blocks) {
      const digest = createHash('sha256').update(bytes).digest()
      const cid = CID.createV1(RAW, create(SHA2_256, digest))
      const isAsked = this.#tell({ peer, cid, has: true, block: bytes })
      this.#weigh(peer, isAsked ? -bytes.length : bytes.length)
    }
    for (const { cid, has } of presences) this.#tell({ peer, cid, has })
  }

  #tell(answer: Answer): boolean {
    let isAwaited = false
    for (const listener of this.#listeners) isAwaited = listener(answer) || isAwaited
    return isAwaited
  }

  /** Who sends what nobody asked for costs memory and time, and is cut off when it is too much. */
  #weigh(peer: PeerId, bytes: number): void {
    const id = peer.toString()
    const unasked = Math.max(0, (this.#unasked.get(id) ?? 0) + bytes)
    this.#unasked.set(id, unasked)
    if (unasked > MAX_UNASKED_BYTES) this.#cut(peer, new Error('it sends what nobody asked for'))
  }

  /** A peer that asked and takes nothing: its connections only cost us memory. */
  #drop(id: string, error: unknown): void {
    const peer = this.#peers.get(id)
    this.#log.debug({ peer: id, err: error }, 'a peer does not take the blocks it asked for')
    if (peer === undefined || !isTimeout(error)) return
    this.#cut(peer, new Error('it does not take the blocks it asked for'))
  }

  #cut(peer: PeerId, why: Error): void {
    for (const connection of this.#libp2p.getConnections(peer)) connection.abort(why)
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError'
}
