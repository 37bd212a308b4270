import { HelloBook } from './hello-book.ts'
import { keyOfHash } from '../block-kinds.ts'
import { hostOf } from '../host-of.ts'
import { MAX_PEERS, PROTOCOL, ProtocolError, cidOf } from './protocol.ts'
import { SERVER_LIMITS, ServerUse } from './server-limits.ts'
import { ServedStream } from './served-stream.ts'
import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import type { RawStream } from './frame-stream.ts'
import type { NamedPeer } from './peer-list.ts'
import type { ServedBlocks } from './served-stream.ts'
import type { ServerLimits } from './server-limits.ts'

/** Those who greeted are told of a new one at most so often, in ms. */
const NEWS_PAUSE = 300

/** What the server works with. */
export interface ServerParts {
  readonly libp2p: Pick<Libp2p, 'handle' | 'unhandle' | 'addEventListener' | 'removeEventListener'>
  readonly blocks: ServedBlocks
  /** How a peer can be reached, as far as others may be told; `undefined` when that is not known. */
  readonly describe: (peer: string) => Promise<NamedPeer | undefined>
  /** A peer greets for a root: it may have what we want too. */
  readonly onHello: (root: Uint8Array, peer: string) => void
  readonly limits?: Partial<ServerLimits> | undefined
}

/** The answering side of `/heliport/blocks/1`. */
export class TransferServer {
  readonly #parts: ServerParts
  readonly #use: ServerUse
  readonly #streams = new Map<ServedStream, string>()
  readonly #greeted: HelloBook
  /** Roots with news for those who greeted. */
  readonly #news = new Set<string>()
  #newsTimer: NodeJS.Timeout | undefined
  readonly #onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    const peer = detail.toString()
    this.#use.forget(peer)
    this.#greeted.forget(peer)
  }

  constructor(parts: ServerParts) {
    this.#parts = parts
    this.#use = new ServerUse({ ...SERVER_LIMITS, ...parts.limits })
    this.#greeted = new HelloBook((root) => this.#spread(root))
  }

  /** Bytes of blocks that were sent. */
  get sent(): number {
    return this.#use.sent
  }

  async start(): Promise<void> {
    const { libp2p } = this.#parts
    libp2p.addEventListener('peer:disconnect', this.#onDisconnect)
    await libp2p.handle(PROTOCOL, (stream, connection) => this.#serve(stream, connection), {
      maxInboundStreams: this.#use.limits.streamsPerPeer,
      runOnLimitedConnection: true,
    })
  }

  /** A block under this root has come here: those who greeted for the root are told. */
  announce(root: Uint8Array, hash: Uint8Array): void {
    const key = keyOfHash(root)
    for (const stream of this.#streams.keys()) quietly(stream, () => stream.tellNews(key, hash))
  }

  async stop(): Promise<void> {
    const { libp2p } = this.#parts
    clearTimeout(this.#newsTimer)
    libp2p.removeEventListener('peer:disconnect', this.#onDisconnect)
    for (const stream of this.#streams.keys()) stream.abort(new Error('the node stops'))
    await libp2p.unhandle(PROTOCOL)
  }

  #serve(
    stream: RawStream,
    { remotePeer, remoteAddr }: Pick<Connection, 'remotePeer' | 'remoteAddr'>,
  ): void {
    const peer = remotePeer.toString()
    const asker = { peer, host: hostOf(remoteAddr) }
    const peerUse = this.#use.enter(asker)
    if (peerUse === undefined) return stream.abort(new Error('too many streams'))
    const { blocks } = this.#parts
    const served = new ServedStream(stream, {
      blocks,
      asker,
      use: this.#use,
      peerUse,
      onHello: (root) => void this.#greet(root, peer),
      peersOf: (root) => this.#describeSome(root, peer),
      onEnd: () => {
        this.#use.leave(asker, peerUse)
        this.#streams.delete(served)
      },
    })
    this.#streams.set(served, peer)
  }

  /** Only roots that are here are remembered, so that nobody can fill our memory with others. */
  async #greet(root: Uint8Array, peer: string): Promise<void> {
    const isHere = await this.#parts.blocks.has(cidOf(root)).catch(() => false) // what cannot be read is not here
    if (isHere && [...this.#streams.values()].includes(peer))
      this.#greeted.say(keyOfHash(root), peer)
    this.#parts.onHello(root, peer)
  }

  async #describeSome(root: Uint8Array, peer: string): Promise<NamedPeer[]> {
    const some = this.#greeted.some(keyOfHash(root), MAX_PEERS, peer)
    const described = await Promise.all(some.map((other) => this.#parts.describe(other)))
    return described.filter((other) => other !== undefined)
  }

  /** Soon tells everybody who greeted for this root that there is somebody new. */
  #spread(root: string): void {
    this.#news.add(root)
    this.#newsTimer ??= setTimeout(() => {
      this.#newsTimer = undefined
      for (const stream of this.#streams.keys())
        for (const key of this.#news) quietly(stream, () => stream.tellPeers(key))
      this.#news.clear()
    }, NEWS_PAUSE).unref()
  }
}

/** A stream that has too much to tell is one of a peer that does not listen. */
function quietly(stream: ServedStream, tell: () => void): void {
  try {
    tell()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    stream.abort(error)
  }
}
