import { MissingBlockError } from '../blocks/block-store.ts'
import type { BlockSupply, FetchBlock } from '../blocks/block-source.ts'
import type { IpfsNode } from '../ipfs/node.ts'
import type { CID } from 'multiformats/cid'

/** How long the answer to "who has this root?" is good for, in ms: the DHT is not asked for every block. */
const SEARCH_MEMORY = 60_000

/** Where a mirror's blocks come from: the peers that told of its newest root first, then whoever has them. */
export class Supply implements BlockSupply {
  /** The node checks what it fetches. */
  readonly isChecked = true
  readonly #node: IpfsNode
  #root: CID | undefined
  #providers: readonly string[] = []
  /** The last search of the DHT. All who miss a block share it, so it is not one caller's to give up. */
  #search: { root: CID; at: number; found: Promise<string[]> } | undefined

  constructor(node: IpfsNode) {
    this.#node = node
  }

  /** These peers are likely to have what is under this root. */
  expect(root: CID, providers: readonly string[]): void {
    this.#root = root
    this.#providers = providers
  }

  readonly fetch: FetchBlock = async (cid, { signal, ahead }) => {
    const options = { signal, ahead, root: this.#root }
    try {
      // With nobody connected there is nobody to wait for: what is on this disk is served at once, the rest is missing.
      if (this.#node.peers().length === 0) throw new MissingBlockError(cid)
      return await this.#node.fetchBlock(cid, { ...options, providers: this.#providers })
    } catch (error) {
      if (!(error instanceof MissingBlockError)) throw error
      const found = await this.#findProviders()
      if (found.length === 0) throw error
      return this.#node.fetchBlock(cid, { ...options, providers: found })
    }
  }

  readonly ahead: NonNullable<BlockSupply['ahead']> = async (cids, work, signal) => {
    if (this.#root !== undefined) await this.#node.fetchAhead(this.#root, cids, work, signal)
  }

  /** A block that was fetched is in the store, and servable. */
  onKept(cid: CID): void {
    if (this.#root !== undefined) this.#node.announce(this.#root, cid)
  }

  #findProviders(): Promise<string[]> {
    const root = this.#root
    if (root === undefined) return Promise.resolve([])
    const known = this.#search
    if (known?.root.equals(root) === true && Date.now() - known.at < SEARCH_MEMORY)
      return known.found
    const found = this.#node.findProviders(root).catch(() => []) // a search that fails has found nobody
    this.#search = { root, at: Date.now(), found }
    return found
  }
}
