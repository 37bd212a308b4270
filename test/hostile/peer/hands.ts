import { setTimeout as pause } from 'node:timers/promises'
import { BITSWAP } from './bitswap-wire.ts'
import type { Connection } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'
import type { Hands } from './manners.ts'

/** What goes on a stream at once; it holds little more until the other side takes it. */
const PIECE = 256 * 1024

/** What {@link PeerHands} are made of. */
export interface HandsInit {
  readonly connection: Connection
  readonly count: number
  readonly signal: AbortSignal
  readonly find: (cid: CID) => Uint8Array | undefined
  readonly onBlock: (size: number) => void
}

/** The hands of a peer, on the connection that a message came from. */
export class PeerHands implements Hands {
  readonly #init: HandsInit

  constructor(init: HandsInit) {
    this.#init = init
  }

  get count(): number {
    return this.#init.count
  }

  block(cid: CID): Uint8Array | undefined {
    const bytes = this.#init.find(cid)
    if (bytes !== undefined) this.#init.onBlock(bytes.length)
    return bytes
  }

  async send(bytes: Uint8Array): Promise<void> {
    const { connection, signal } = this.#init
    const stream = await connection.newStream(BITSWAP, { signal })
    for (let at = 0; at < bytes.length; at += PIECE)
      if (!stream.send(bytes.subarray(at, at + PIECE))) await stream.onDrain({ signal })
    await stream.close({ signal })
  }

  async drip(bytes: Uint8Array, atOnce: number): Promise<void> {
    const { connection, signal } = this.#init
    const stream = await connection.newStream(BITSWAP, { signal })
    stream.send(bytes.subarray(0, atOnce))
    for (let at = atOnce; at < bytes.length && stream.status === 'open'; at++) {
      await pause(1000, undefined, { signal, ref: false })
      stream.send(bytes.subarray(at, at + 1))
    }
  }

  async hangUp(): Promise<void> {
    await this.#init.connection.close()
  }
}
