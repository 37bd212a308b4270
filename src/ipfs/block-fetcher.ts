import { setMaxListeners } from 'node:events'
import { MissingBlockError } from '../blocks/block-store.ts'
import { keyOf, refuseForeign } from './block-kinds.ts'
import { pause } from './pause.ts'
import { PeerAsker } from './peer-asker.ts'
import { Slots } from './slots.ts'
import type { BlockExchange } from './bitswap.ts'
import type { CID } from 'multiformats/cid'

/** Wants on the wire at once; bitswap's own cost per message grows with their number (facts §6). */
const MAX_WANTS = 32
/** Calls that may wait for a free want. */
const MAX_WAITING = 4096

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
}

interface Flight {
  readonly result: Promise<Uint8Array>
  readonly abort: AbortController
  followers: number
}

/**
 * Single blocks from the network, by bitswap: verified, bounded, and one request per block however many ask.
 * Nothing is stored; that is the caller's choice.
 */
export class BlockFetcher {
  readonly #asker: PeerAsker
  readonly #times: FetchTimes
  readonly #slots = new Slots(MAX_WANTS, MAX_WAITING)
  readonly #flights = new Map<string, Flight>()
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
    options.signal?.throwIfAborted()
    refuseForeign(cid)
    const key = keyOf(cid)
    const flight = this.#flights.get(key) ?? this.#take(key, cid, options.providers ?? [])
    flight.followers++
    try {
      return await follow(flight.result, options.signal)
    } finally {
      // The last to leave turns off the light.
      if (--flight.followers === 0)
        flight.abort.abort(new Error('nobody waits for this block any more'))
    }
  }

  /** Ends every fetch under way. */
  close(): void {
    this.#closed.abort(new Error('the node stops'))
  }

  #take(key: string, cid: CID, providers: readonly string[]): Flight {
    const abort = new AbortController()
    const signal = AbortSignal.any([abort.signal, this.#closed.signal])
    const land = () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    }
    const result = this.#fly(cid, providers, signal).finally(land)
    result.catch(() => undefined) // each follower has it, and there may be none left
    const flight: Flight = { result, abort, followers: 0 }
    // A flight that nobody follows any more is on its way down: the next caller needs one of its own.
    abort.signal.addEventListener('abort', land, { once: true })
    this.#flights.set(key, flight)
    return flight
  }

  async #fly(cid: CID, providers: readonly string[], signal: AbortSignal): Promise<Uint8Array> {
    const release = await this.#slots.take(signal)
    const timeout = AbortSignal.timeout(this.#times.deadline)
    try {
      return await this.#rounds(cid, providers, AbortSignal.any([signal, timeout]))
    } catch (error) {
      if (timeout.aborted && !signal.aborted) throw new MissingBlockError(cid, { cause: error })
      throw error
    } finally {
      release()
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

/** Waits for a result that others wait for too: our own abort leaves theirs alone. */
function follow<T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return result
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const onAbort = () => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  result.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  return promise
}
