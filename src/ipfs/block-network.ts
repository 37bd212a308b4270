import { keyOf, refuseForeign } from './block-kinds.ts'
import { Flights } from '../blocks/flights.ts'
import type { CID } from 'multiformats/cid'
import type { BlockFetcher, FetchOptions } from './block-fetcher.ts'
import type { Transfer } from './transfer/transfer.ts'

/**
 * Single blocks from the network, whichever way they come: from other Heliports by their own protocol, the rest by
 * bitswap. One request per block, however many ask for it of the same peers: who knows of others must not wait for these,
 * or a mirror that stalls would hold up the next one that has the block, be it under the same root.
 */
export class BlockNetwork {
  readonly #transfer: Transfer
  readonly #bitswap: BlockFetcher
  readonly #flights = new Flights<Uint8Array>()
  readonly #closed = new AbortController()

  constructor(transfer: Transfer, bitswap: BlockFetcher) {
    this.#transfer = transfer
    this.#bitswap = bitswap
  }

  /**
   * Gets one block, verified.
   *
   * @throws MissingBlockError when no peer delivered it before the deadline
   * @throws RefusedBlockError when it is not raw or dag-pb under sha2-256
   */
  async fetch(cid: CID, options: FetchOptions = {}): Promise<Uint8Array> {
    refuseForeign(cid)
    this.#closed.signal.throwIfAborted()
    const { signal, providers = [], root, ahead = false } = options
    return this.#flights.join(
      `${keyOf(cid)} ${providers.join()}`,
      async (ended, urgency) => {
        const either = AbortSignal.any([ended, this.#closed.signal])
        const request = { signal: either, providers, root, urgency }
        const block = await this.#transfer.fetch(cid, request)
        return block ?? this.#bitswap.fetch(cid, { signal: either, providers })
      },
      { signal, urgent: !ahead },
    )
  }

  /** Ends every fetch under way. */
  close(): void {
    this.#closed.abort(new Error('the node stops'))
    this.#bitswap.close()
  }
}
