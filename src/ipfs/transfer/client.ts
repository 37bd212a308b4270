import { isLeaf } from '../block-kinds.ts'
import { sample } from '../sample.ts'
import { Patience } from './patience.ts'
import type { Urgency } from '../../blocks/flights.ts'
import type { CID } from 'multiformats/cid'
import type { Peers } from './peers.ts'

/** Peers that are asked although nobody named them. */
const MAX_STRANGERS = 4
/** Peers that are remembered because of their last answer. */
const MAX_REMEMBERED = 64
/** How long a peer that has not one block is taken for one that has not the next either, in ms. */
const DENIAL = 5_000

export interface BlockRequest {
  readonly signal: AbortSignal
  /** Peer ids that are likely to have the block. */
  readonly providers: readonly string[]
  /** The root above the block. */
  readonly root: CID | undefined
  readonly urgency: Urgency
}

/** A {@link BlockRequest}, and how long somebody waits for one peer before another is asked too, in ms. */
export interface PatientRequest extends BlockRequest {
  readonly patience: number
}

/** Peers of which one block is asked at once: the first, and others beside it while it keeps somebody waiting. */
const MAX_BESIDE = 3

interface Answer {
  readonly peer: string
  readonly block: Uint8Array | undefined
}

/**
 * Blocks by `/heliport/blocks/1`. Each is asked of one peer after the other, the least busy first, so that several
 * sources share the work; one that is slow is left to itself when somebody waits, and the next is asked beside it.
 */
export class TransferClient {
  readonly #peers: Peers
  /** Peers whose last answer was a block, the latest last. */
  readonly #givers = new Set<string>()
  /** Peers whose last answer was none, and when. */
  readonly #denied = new Map<string, number>()
  #received = 0

  constructor(peers: Peers) {
    this.#peers = peers
  }

  /** Bytes of blocks that have come. */
  get received(): number {
    return this.#received
  }

  /** The block, checked; `undefined` when no peer that speaks our protocol has it. @throws the signal's reason */
  async fetch(cid: CID, request: PatientRequest): Promise<Uint8Array | undefined> {
    const over = new AbortController()
    const signal = AbortSignal.any([request.signal, over.signal])
    const tried = new Set<string>()
    const asked = new Map<string, Promise<Answer>>()
    try {
      for (;;) {
        const next = asked.size < MAX_BESIDE ? this.#next(request.providers, tried) : undefined
        if (next !== undefined) {
          tried.add(next)
          asked.set(next, this.#answer(next, cid, { ...request, signal }))
        }
        if (asked.size === 0) return undefined
        const answer = await this.#first(asked.values(), request, next !== undefined)
        if (answer === undefined) continue // nobody was in time
        asked.delete(answer.peer)
        if (answer.block === undefined) continue
        for (const peer of asked.keys()) this.#note(peer, false)
        return answer.block
      }
    } finally {
      over.abort(new Error('the block has come from another peer'))
    }
  }

  /** The first that answers; `undefined` when that takes too long, if there is a limit. */
  async #first(
    asked: Iterable<Promise<Answer>>,
    { urgency, patience }: PatientRequest,
    isLimited: boolean,
  ): Promise<Answer | undefined> {
    if (!isLimited) return Promise.race(asked)
    using limit = new Patience(urgency, patience)
    const late = new Promise<undefined>((resolve) => {
      limit.late.addEventListener('abort', () => resolve(undefined), { once: true })
    })
    return await Promise.race([...asked, late])
  }

  #answer(peer: string, cid: CID, request: BlockRequest): Promise<Answer> {
    const answer = this.ask(peer, cid, request).then((block) => ({ peer, block }))
    answer.catch(() => undefined) // the race tells, if it is not over
    return answer
  }

  /** Asks one peer; `undefined` when it has it not, or cannot be asked. @throws the signal's reason */
  async ask(
    peer: string,
    cid: CID,
    { signal, urgency }: Pick<BlockRequest, 'signal' | 'urgency'>,
  ): Promise<Uint8Array | undefined> {
    signal.throwIfAborted()
    const done = this.#peers.use(peer)
    try {
      const link = await this.#peers.link(peer, isLeaf(cid) ? 'leaves' : 'nodes')
      const block = await link.block(cid.multihash.digest, { signal, urgency })
      this.#note(peer, block !== undefined)
      this.#received += block?.length ?? 0
      return block
    } catch {
      signal.throwIfAborted()
      this.#note(peer, false)
      return undefined // whatever it was, the next peer is asked
    } finally {
      done()
    }
  }

  /** Of those who were named first, who has not said "no" lately; then who delivered; then the others. */
  #next(providers: readonly string[], tried: ReadonlySet<string>): string | undefined {
    const may = (peer: string): boolean => !tried.has(peer) && this.#peers.canBeAsked(peer)
    const named = providers.filter(may)
    const mayAskStrangers = tried.size < providers.length + MAX_STRANGERS
    return (
      this.#peers.byLoad(named.filter((peer) => !this.#saidNo(peer)))[0] ??
      this.#peers.byLoad([...this.#givers].filter(may))[0] ??
      named[0] ??
      (mayAskStrangers ? sample(this.#peers.speakers().filter(may), 1)[0] : undefined)
    )
  }

  #saidNo(peer: string): boolean {
    const at = this.#denied.get(peer)
    return at !== undefined && performance.now() - at < DENIAL
  }

  #note(peer: string, delivered: boolean): void {
    this.#givers.delete(peer)
    this.#denied.delete(peer)
    if (delivered) this.#givers.add(peer)
    else this.#denied.set(peer, performance.now())
    for (const kept of [this.#givers, this.#denied]) {
      const [oldest] = kept.keys()
      if (kept.size > MAX_REMEMBERED && oldest !== undefined) kept.delete(oldest)
    }
  }
}
