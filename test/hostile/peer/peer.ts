import { setTimeout as pause } from 'node:timers/promises'
import { fetch } from '@libp2p/fetch'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { BITSWAP, Frames, wantsOf } from './bitswap-wire.ts'
import { PeerHands } from './hands.ts'
import { honest } from './manners.ts'
import type { Fetch } from '@libp2p/fetch'
import type { GossipSub } from '@libp2p/gossipsub'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { IpnsName } from '../../../src/naming/name.ts'
import type { Blocks } from '../trees/blocks.ts'
import type { Manner } from './manners.ts'

/** How long a record waits for somebody who listens, in ms: a daemon that starts has to find us first. */
const LISTENER_MS = 5_000

interface Services extends Record<string, unknown> {
  fetch: Fetch
  pubsub: GossipSub
}

/** A peer that gives out what it is told to, and counts what it is asked for. Nothing in it is ours. */
export class TestPeer implements AsyncDisposable {
  /** How it answers wants. */
  manner: Manner = honest
  /** What it has: the newest first, and what it had before, which a daemon may still be reading. */
  blocks: readonly Blocks[] = []
  /** Wants of blocks that came, by the base64 of their hash, since {@link reset}. */
  readonly wanted = new Map<string, number>()
  /** Bytes of blocks it sent since then. */
  sentBytes = 0
  readonly #libp2p: Libp2p<Services>
  readonly #records = new Map<string, Uint8Array>()
  readonly #stop = new AbortController()
  #count = 0

  private constructor(libp2p: Libp2p<Services>) {
    this.#libp2p = libp2p
  }

  static async start(): Promise<TestPeer> {
    const libp2p = await createLibp2p<Services>({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionManager: { inboundConnectionThreshold: 1000 },
      connectionMonitor: { enabled: false },
      services: {
        identify: identify(),
        ping: ping(),
        fetch: fetch(),
        pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, emitSelf: false }),
      },
    })
    const peer = new TestPeer(libp2p)
    await libp2p.handle(BITSWAP, (stream, connection) => void peer.#hear(stream, connection), {
      maxInboundStreams: 1024,
      maxOutboundStreams: 1024,
    })
    libp2p.services.fetch.registerLookupFunction('/ipns/', (key) =>
      Promise.resolve(peer.#records.get(textOf(key))),
    )
    return peer
  }

  /** Where it is, with its peer id. */
  get address(): string {
    return this.#libp2p.getMultiaddrs()[0]!.toString()
  }

  get libp2p(): Libp2p {
    return this.#libp2p
  }

  /** Forgets what was asked. */
  reset(): void {
    this.wanted.clear()
    this.sentBytes = 0
    this.#count = 0
  }

  /** Listens on the topic of a name, as its publisher does: who joins then asks for the record. */
  follow(name: IpnsName): void {
    this.#libp2p.services.pubsub.subscribe(name.topic)
  }

  /** Answers lookups of a name with these bytes, whatever they are. */
  hold(name: IpnsName, record: Uint8Array): void {
    this.#records.set(textOf(name.routingKey), record)
  }

  /** The same, and tells everybody who listens. */
  async announce(name: IpnsName, record: Uint8Array): Promise<void> {
    this.hold(name, record)
    const { pubsub } = this.#libp2p.services
    const end = performance.now() + LISTENER_MS
    while (pubsub.getSubscribers(name.topic).length === 0 && performance.now() < end)
      await pause(10)
    await pubsub.publish(name.topic, record)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#libp2p.stop()
  }

  async #hear(stream: Stream, connection: Connection): Promise<void> {
    const frames = new Frames()
    try {
      // Nothing is answered on it; a sender waits until both sides have ended.
      await stream.close({ signal: this.#stop.signal })
      for await (const chunk of stream)
        for (const message of frames.take(chunk.subarray())) {
          const wants = wantsOf(message)
          if (wants.length > 0) void this.#answer(wants, connection)
        }
    } catch {
      // The daemon may end a stream at any time, and what it thinks of us is judged by what its clients get.
    }
  }

  async #answer(wants: ReturnType<typeof wantsOf>, connection: Connection): Promise<void> {
    const hands = new PeerHands({
      connection,
      count: this.#count,
      signal: this.#stop.signal,
      find: (cid) => this.blocks.map((each) => each.get(cid)).find((bytes) => bytes !== undefined),
      onBlock: (size) => void (this.sentBytes += size),
    })
    for (const { cid, kind } of wants) {
      if (kind !== 'block') continue
      this.#count++
      const key = Buffer.from(cid.multihash.digest).toString('base64')
      this.wanted.set(key, (this.wanted.get(key) ?? 0) + 1)
    }
    try {
      await this.manner(wants, hands)
    } catch {
      // As above: the daemon has hung up, or does not take more.
    }
  }
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString('base64')
}
