import { NotFoundError } from '@libp2p/interface'
import { DamagedBlockError } from '../blocks/block-store.ts'
import type { BlockStore } from '../blocks/block-store.ts'
import type { AbortOptions } from '@libp2p/interface'
import type { Blockstore, InputPair, Pair } from 'interface-blockstore'
import type { CID } from 'multiformats/cid'

/** Whether peers may have this block (promise I10): what the published tree, or a mirror we pass on, holds. */
export type Servable = (cid: CID) => boolean | Promise<boolean>

/**
 * Our block store as the network sees it: read-only, and what is not servable does not exist.
 *
 * Nothing is stored through it. What we fetch is handed to the caller, who decides; what a peer sends unasked is not
 * kept. Our own writes never come here either: Helia's `put` returns early when it has the block, so it would heal
 * nothing (facts, DESIGN §3).
 */
export class ServingBlockstore implements Blockstore {
  readonly #blocks: BlockStore
  readonly #servable: Servable

  constructor(blocks: BlockStore, servable: Servable) {
    this.#blocks = blocks
    this.#servable = servable
  }

  async has(cid: CID, options?: AbortOptions): Promise<boolean> {
    return (await this.#servable(cid)) && (await this.#blocks.has(cid, options))
  }

  async *get(cid: CID, options?: AbortOptions): AsyncGenerator<Uint8Array> {
    const block = await this.read(cid, options)
    if (block === undefined) throw new NotFoundError(`block ${cid} is not here`)
    yield block
  }

  async *getMany(
    cids: Iterable<CID> | AsyncIterable<CID>,
    options?: AbortOptions,
  ): AsyncGenerator<Pair> {
    for await (const cid of cids) yield { cid, bytes: this.get(cid, options) }
  }

  put(cid: CID): CID {
    throw readOnly(cid)
  }

  async *putMany(pairs: Iterable<InputPair> | AsyncIterable<InputPair>): AsyncGenerator<CID> {
    for await (const { cid } of pairs) yield this.put(cid)
  }

  delete(cid: CID): void {
    throw readOnly(cid)
  }

  async *deleteMany(cids: Iterable<CID> | AsyncIterable<CID>): AsyncGenerator<CID> {
    for await (const cid of cids) {
      this.delete(cid)
      yield cid
    }
  }

  /** Peers do not get to list what we have. */
  async *getAll(): AsyncGenerator<Pair> {
    await Promise.resolve()
    yield* []
  }

  /**
   * The block, checked; `undefined` when it is not here or not servable. A damaged block is none for a peer: it can ask
   * another, and our own reads report the damage.
   */
  async read(cid: CID, options?: AbortOptions): Promise<Uint8Array | undefined> {
    if (!(await this.#servable(cid))) return undefined
    try {
      return await this.#blocks.get(cid, options)
    } catch (error) {
      if (error instanceof DamagedBlockError) return undefined
      throw error
    }
  }
}

function readOnly(cid: CID): Error {
  return new Error(
    `block ${cid} cannot be written or deleted through the network's view of the block store`,
  )
}
