import { setMaxListeners } from 'node:events'
import { MissingBlockError } from '../blocks/block-store.ts'
import { keyOf, refuseForeign } from './block-kinds.ts'
import { Flights } from '../blocks/flights.ts'
import { pause } from './pause.ts'
import { PeerAsker } from './peer-asker.ts'
import type { BlockExchange } from './bitswap/exchange.ts'
import type { CID } from 'multiformats/cid'

/** How long and how often a block is asked for. Milliseconds. */
export interface FetchTimes {
  /** After which a fetch is given up. */
  deadline: number
  /** Silence of a peer after which its answer is not waited for any longer. */
  idle: number
  /** Pause before the second round of asking; doubles each round. */
  pause: number
}

const TIMES: FetchTimes = { deadline: 60_000, idle: 15_000, pause: 250 }

/** Rounds of asking everybody, before a block that all deny is called missing. */
const ROUNDS = 3

export interface FetchOptions {
  signal?: AbortSignal | undefined
  /** Peer ids that are likely to have the block; asked first, when connected. */
  providers?: readonly string[] | undefined
  /** The root above the block: others that fetch it too may have it. */
  root?: CID | undefined
  /** Nobody waits for it yet: those that somebody waits for go first. */
  ahead?: boolean | undefined
}

/**
 * Single blocks from the network, by bitswap: verified, bounded, and one request per block however many ask.
 * Nothing is stored; that is the caller's choice.
 */
export class BlockFetcher {
  readonly #asker: PeerAsker
  readonly #times: FetchTimes
  readonly #flights = new Flights<Uint8Array>()
  readonly #closed = new AbortController()

  constructor(exchange: BlockExchange, times: Partial<FetchTimes> = {}) {
    this.#times = { ...TIMES, ...times }
    this.#asker = new PeerAsker(exchange, this.#times.idle)
    setMaxListeners(0, this.#closed.signal)
  }

  /**
   * Gets one block.
   *
   * @throws MissingBlockError when no peer delivered it before the deadline
   * @throws RefusedBlockError when it is not raw or dag-pb under sha2-256
   */
  async fetch(cid: CID, options: FetchOptions = {}): Promise<Uint8Array> {
    refuseForeign(cid)
    const { providers = [], signal: given } = options
    const fly = (signal: AbortSignal): Promise<Uint8Array> =>
      this.#fly(cid, providers, AbortSignal.any([signal, this.#closed.signal]))
    // One request for all who know of the same peers.
    return this.#flights.join(`${keyOf(cid)} ${providers.join()}`, fly, { signal: given })
  }

  /** Ends every fetch under way. */
  close(): void {
    this.#closed.abort(new Error('the node stops'))
  }

  async #fly(cid: CID, providers: readonly string[], signal: AbortSignal): Promise<Uint8Array> {
    const timeout = AbortSignal.timeout(this.#times.deadline)
    try {
      return await this.#rounds(cid, providers, AbortSignal.any([signal, timeout]))
    } catch (error) {
      if (timeout.aborted && !signal.aborted) throw new MissingBlockError(cid, { cause: error })
      throw error
    }
  }

  async #rounds(cid: CID, providers: readonly string[], signal: AbortSignal): Promise<Uint8Array> {
    for (let round = 1; ; round++) {
      const block = await this.#asker.askAll(cid, providers, signal)
      if (block !== undefined) return block
      if (round >= ROUNDS) {
        throw new MissingBlockError(cid, {
          cause: new Error(`no connected peer has it (${ROUNDS} rounds)`),
        })
      }
      await pause(this.#times.pause * 2 ** (round - 1), signal)
    }
  }
}
