import { fetch } from '@libp2p/fetch'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { BITSWAP, decodeMessage, encodeWant, readVarint } from '../../src/ipfs/bitswap/wire.ts'
import { FrameStream } from '../../src/ipfs/transfer/frame-stream.ts'
import { ANSWERS, FRAME, PROTOCOL } from '../../src/ipfs/transfer/protocol.ts'
import { decodeBits, encodeFrame } from '../../src/ipfs/transfer/frames.ts'
import type { Fetch } from '@libp2p/fetch'
import type { Identify } from '@libp2p/identify'
import type { Libp2p, Stream } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'

const WAIT = 10_000

/** What a peer said about a block, by each protocol; `true` wherever it let on that it has it. */
export interface Heard {
  readonly presence: boolean
  readonly block: boolean
  readonly held: boolean
  readonly transferred: boolean
  readonly fetched: boolean
}

/** It let on nothing. */
export const NOTHING: Heard = {
  presence: false,
  block: false,
  held: false,
  transferred: false,
  fetched: false,
}

/** It gave the block; blocks are none of what the fetch protocol is for. */
export const EVERYTHING: Heard = {
  presence: true,
  block: true,
  held: true,
  transferred: true,
  fetched: false,
}

/** A libp2p node that is nobody's friend, and asks one peer for blocks in all ways there are. */
export class Stranger implements AsyncDisposable {
  readonly #libp2p: Libp2p<{ fetch: Fetch; identify: Identify }>
  readonly #address: string
  /** Answers to bitswap messages come on streams of the other's. */
  readonly #said = new Map<string, (has: boolean) => void>()

  #wants: Stream | undefined

  private constructor(libp2p: Libp2p<{ fetch: Fetch; identify: Identify }>, address: string) {
    this.#libp2p = libp2p
    this.#address = address
  }

  static async meet(address: string): Promise<Stranger> {
    const libp2p = await createLibp2p({
      transports: [tcp()],
      connectionEncrypters: [tls()],
      streamMuxers: [yamux()],
      services: { identify: identify(), fetch: fetch() },
    })
    const stranger = new Stranger(libp2p, address)
    await libp2p.handle(BITSWAP, (stream) => stranger.#listen(stream))
    await libp2p.dial(multiaddr(address))
    return stranger
  }

  async hear(cid: CID): Promise<Heard> {
    return {
      presence: await this.#bitswap(cid, 'presence'),
      block: await this.#bitswap(cid, 'block'),
      ...(await this.#transfer(cid)),
      fetched: await this.#fetch(cid),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#libp2p.stop()
  }

  #listen(stream: Stream): void {
    let bytes = Buffer.alloc(0)
    stream.addEventListener('remoteCloseWrite', () => void stream.close().catch(() => undefined))
    stream.addEventListener('message', ({ data }) => {
      bytes = Buffer.concat([bytes, data instanceof Uint8Array ? data : data.subarray()])
      for (;;) {
        const length = readVarint(bytes, 0)
        if (length === undefined || bytes.length < length.end + length.value) return
        const message = decodeMessage(bytes.subarray(length.end, length.end + length.value))
        bytes = bytes.subarray(length.end + length.value)
        for (const { cid, has } of message.presences) this.#said.get(cid.toString())?.(has)
        if (message.blocks.length > 0) for (const tell of this.#said.values()) tell(true)
      }
    })
  }

  async #bitswap(cid: CID, kind: 'block' | 'presence'): Promise<boolean> {
    const answer = Promise.withResolvers<boolean>()
    this.#said.set(cid.toString(), answer.resolve)
    this.#wants ??= await this.#libp2p.dialProtocol(multiaddr(this.#address), BITSWAP)
    this.#wants.send(encodeWant(cid, kind))
    try {
      return await withDeadline(answer.promise, `a bitswap answer about ${cid} (${kind})`)
    } finally {
      this.#said.delete(cid.toString())
      this.#wants.send(encodeWant(cid, kind, true))
    }
  }

  async #transfer(cid: CID): Promise<{ held: boolean; transferred: boolean }> {
    const stream = await this.#libp2p.dialProtocol(multiaddr(this.#address), PROTOCOL)
    const held = Promise.withResolvers<boolean>()
    const transferred = Promise.withResolvers<boolean>()
    const fail = (error: Error | undefined): void => {
      held.reject(error ?? new Error('the stream ended'))
      transferred.reject(error ?? new Error('the stream ended'))
    }
    for (const { promise } of [held, transferred]) promise.catch(() => undefined)
    const frames = new FrameStream(stream, ANSWERS, {
      onFrame: (type, body) => {
        if (type === FRAME.held) held.resolve(decodeBits(body, 1)[0] === true)
        if (type === FRAME.block) transferred.resolve(body[0] !== 0 || body.length > 1)
      },
      onRemoteEnd: () => undefined,
      onEnd: fail,
    })
    frames.send(encodeFrame(FRAME.has, cid.multihash.digest))
    frames.send(encodeFrame(FRAME.want, cid.multihash.digest))
    try {
      return {
        held: await withDeadline(held.promise, 'held'),
        transferred: await withDeadline(transferred.promise, 'block'),
      }
    } finally {
      stream.abort(new Error('done'))
    }
  }

  /** By the names under which somebody could look for it. */
  async #fetch(cid: CID): Promise<boolean> {
    const peer = this.#libp2p.getPeers()[0]
    if (peer === undefined) throw new Error('not connected')
    for (const key of [`/ipfs/${cid}`, `/ipns/${cid}`, cid.toString()]) {
      const bytes = new TextEncoder().encode(key)
      const answer = await this.#libp2p.services.fetch.fetch(peer, bytes).catch(() => undefined)
      if (answer !== undefined && answer.length > 0) return true
    }
    return false
  }
}

async function withDeadline<T>(answer: Promise<T>, what: string): Promise<T> {
  const late = AbortSignal.timeout(WAIT)
  const end = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () => reject(new Error(`it never came: ${what}`)))
  })
  return Promise.race([answer, end])
}
