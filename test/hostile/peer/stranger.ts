import { setTimeout as pause } from 'node:timers/promises'
import { fetch } from '@libp2p/fetch'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { ipnsName } from '../../../src/naming/name.ts'
import { BITSWAP, Frames, answersOf, encodeMessage, framed } from './bitswap-wire.ts'
import { uvarint } from '../trees/protobuf.ts'
import type { Fetch } from '@libp2p/fetch'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'

type Answers = ReturnType<typeof answersOf>

/** How long a stranger knocks, in ms: whoever comes too often is not let in for a second. */
const KNOCKING_MS = 60_000
const PATIENCE_MS = 30_000

/** Somebody who has found the address of a daemon, and asks it for things. */
export class Stranger implements AsyncDisposable {
  readonly #libp2p: Libp2p<{ fetch: Fetch }>
  readonly #connection: Connection
  #isReading = true
  #hear: (answers: Answers) => void = () => undefined

  private constructor(libp2p: Libp2p<{ fetch: Fetch }>, connection: Connection) {
    this.#libp2p = libp2p
    this.#connection = connection
  }

  static async start(address: string): Promise<Stranger> {
    const libp2p = await createLibp2p({
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      services: { identify: identify(), ping: ping(), fetch: fetch() },
    })
    const connection = await knock(libp2p, address)
    const stranger = new Stranger(libp2p, connection)
    const read = (stream: Stream): void => void stranger.#read(stream)
    await libp2p.handle(BITSWAP, read, { maxInboundStreams: 256 })
    return stranger
  }

  /** Asks for blocks, and waits until there is an answer about each. */
  async want(cids: readonly CID[], kind: 'block' | 'presence'): Promise<Answers> {
    const all: Answers = { blocks: [], has: [], lacks: [] }
    const { promise, resolve, reject } = Promise.withResolvers<Answers>()
    const timer = setTimeout(() => reject(new Error('no answer')), PATIENCE_MS)
    this.#hear = ({ blocks, has, lacks }) => {
      all.blocks.push(...blocks)
      all.has.push(...has)
      all.lacks.push(...lacks)
      if (all.blocks.length + all.has.length + all.lacks.length >= cids.length) resolve(all)
    }
    await this.#send(framed(encodeMessage({ wants: cids.map((cid) => ({ cid, kind })) })))
    try {
      return await promise
    } finally {
      clearTimeout(timer)
    }
  }

  /** Asks for blocks, and takes none of what comes. */
  async wantWithoutReading(cids: readonly CID[]): Promise<void> {
    this.#isReading = false
    try {
      await this.#send(
        framed(encodeMessage({ wants: cids.map((cid) => ({ cid, kind: 'block' })) })),
      )
    } catch {
      // It has been thrown out, which is one way to bound what it costs.
    }
  }

  /** Begins so many messages, and sends so much of each. */
  async beginMessages(count: number, bytes: number): Promise<void> {
    const begin = async (): Promise<void> => {
      try {
        const stream = await this.#connection.newStream(BITSWAP)
        stream.send(uvarint(bytes + 500))
        const piece = Buffer.alloc(64 * 1024)
        for (let sent = 0; sent < bytes; sent += piece.length)
          if (!stream.send(piece)) await stream.onDrain({ signal: AbortSignal.timeout(5000) })
      } catch {
        // As above.
      }
    }
    await Promise.all(Array.from({ length: count }, begin))
  }

  /** Looks a key up; `undefined` when it is not answered with a value. */
  async fetch(key: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      return await this.#libp2p.services.fetch.fetch(this.#connection.remotePeer, key)
    } catch {
      return undefined // an error is no value either
    }
  }

  fetchRecord(name: string): Promise<Uint8Array | undefined> {
    return this.fetch(ipnsName(name).routingKey)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#libp2p.stop()
  }

  async #send(bytes: Uint8Array): Promise<void> {
    const stream = await this.#connection.newStream(BITSWAP)
    if (!stream.send(bytes)) await stream.onDrain({ signal: AbortSignal.timeout(PATIENCE_MS) })
    await stream.close({ signal: AbortSignal.timeout(PATIENCE_MS) })
  }

  async #read(stream: Stream): Promise<void> {
    if (!this.#isReading) return stream.pause()
    const frames = new Frames()
    try {
      await stream.close()
      for await (const chunk of stream)
        for (const message of frames.take(chunk.subarray())) this.#hear(answersOf(message))
    } catch {
      // The daemon has ended it: what did not come is missed by whoever waits for it.
    }
  }
}

async function knock(libp2p: Libp2p, address: string): Promise<Connection> {
  for (const end = performance.now() + KNOCKING_MS; ;) {
    try {
      return await libp2p.dial(multiaddr(address))
    } catch (error) {
      if (performance.now() > end) throw error
      await pause(300)
    }
  }
}
