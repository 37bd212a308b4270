import { sample } from './hello-book.ts'
import { LinkError } from './questions.ts'
import type { Urgency } from '../flights.ts'
import type { CID } from 'multiformats/cid'
import type { Peers } from './peers.ts'

/** Peers that are asked although nobody named them. */
const MAX_STRANGERS = 4
/** Peers that are remembered because they delivered. */
const MAX_GIVERS = 16

export interface BlockRequest {
  readonly signal: AbortSignal
  /** Peer ids that are likely to have the block. */
  readonly providers: readonly string[]
  /** The root above the block. */
  readonly root: CID | undefined
  readonly urgency: Urgency
}

/**
 * Blocks by `/heliport/blocks/1`. Each is asked of one peer after the other: those first who delivered before, the least
 * busy of them, so that several sources share the work.
 */
export class TransferClient {
  readonly #peers: Peers
  /** Peers whose last answer was a block, the latest last. */
  readonly #givers = new Set<string>()

  constructor(peers: Peers) {
    this.#peers = peers
  }

  /** The block, checked; `undefined` when no peer that speaks our protocol has it. @throws the signal's reason */
  async fetch(cid: CID, request: BlockRequest): Promise<Uint8Array | undefined> {
    const tried = new Set<string>()
    for (;;) {
      const peer = this.#next(request.providers, tried)
      if (peer === undefined) return undefined
      tried.add(peer)
      const block = await this.ask(peer, cid, request)
      if (block !== undefined) return block
    }
  }

  /** Asks one peer; `undefined` when it has it not, or cannot be asked. @throws the signal's reason */
  async ask(
    peer: string,
    cid: CID,
    { signal, urgency }: Pick<BlockRequest, 'signal' | 'urgency'>,
  ): Promise<Uint8Array | undefined> {
    signal.throwIfAborted()
    try {
      const link = await this.#peers.link(peer, 'blocks')
      const block = await link.block(cid.multihash.digest, { signal, urgency })
      this.#note(peer, block !== undefined)
      return block
    } catch (error) {
      signal.throwIfAborted()
      this.#note(peer, false)
      if (error instanceof LinkError) return undefined
      return undefined
    }
  }

  #next(providers: readonly string[], tried: ReadonlySet<string>): string | undefined {
    const may = (peer: string): boolean => !tried.has(peer) && this.#peers.canBeAsked(peer)
    const named = providers.filter(may)
    const givers = [...this.#givers].filter(may)
    return (
      this.#peers.byLoad(named.filter((peer) => this.#givers.has(peer)))[0] ??
      named[0] ??
      this.#peers.byLoad(givers)[0] ??
      (tried.size < providers.length + MAX_STRANGERS
        ? sample(this.#peers.speakers().filter(may), 1)[0]
        : undefined)
    )
  }

  #note(peer: string, delivered: boolean): void {
    this.#givers.delete(peer)
    if (!delivered) return
    this.#givers.add(peer)
    const [oldest] = this.#givers
    if (this.#givers.size > MAX_GIVERS && oldest !== undefined) this.#givers.delete(oldest)
  }
}
