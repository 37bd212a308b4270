import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlockOptions } from './block-store.ts'
import type { StateDb } from './state-db.ts'
import type { CID } from 'multiformats/cid'

/** Keys that are looked at in a row. */
const PAGE = 512
const SMALL = Buffer.from('b/')
const HASH = /^[0-9a-f]{64}$/

/** What {@link StoredBlocks} work on: the insides of the block store. */
export interface StoredParts {
  /** Where the directories of large blocks are, by the first byte of their hashes in hex. */
  readonly directory: string
  readonly prefixes: readonly string[]
  readonly state: StateDb
  readonly read: (cid: CID) => Promise<Uint8Array | undefined>
  readonly size: (cid: CID) => Promise<number | undefined>
  readonly setAside: (cid: CID) => Promise<void>
}

/**
 * Everything that is stored, block by block, for whoever checks it. Looking at a block here does not mean to rely on it: the
 * collector may take it before and after.
 */
export class StoredBlocks {
  readonly #parts: StoredParts

  constructor(parts: StoredParts) {
    this.#parts = parts
  }

  /** A block as it lies there, which may be damaged; `undefined` when it does not. @throws the disk's error */
  read(cid: CID): Promise<Uint8Array | undefined> {
    return this.#parts.read(cid)
  }

  /** How many bytes lie there. */
  size(cid: CID): Promise<number | undefined> {
    return this.#parts.size(cid)
  }

  /** Takes a file out of the way that is damaged when it is read once more; it is kept in `damaged/`. */
  setAside(cid: CID): Promise<void> {
    return this.#parts.setAside(cid)
  }

  /** How many there are, without reading them. */
  async count(options: BlockOptions = {}): Promise<number> {
    let count = 0
    for await (const hashes of this.#groups('', options)) count += hashes.length
    return count
  }

  /**
   * The hashes of all blocks, in hex, in their order.
   *
   * @param options `after`: only those after this one
   */
  async *hashes(options: BlockOptions & { after?: string } = {}): AsyncGenerator<string> {
    const { after = '' } = options
    for await (const hashes of this.#groups(after, options))
      for (const hash of hashes) if (hash > after) yield hash
  }

  /** Those with the same first byte together: they are in one directory, and in a row in the database. */
  async *#groups(after: string, { signal }: BlockOptions): AsyncGenerator<readonly string[]> {
    for (const prefix of this.#parts.prefixes) {
      if (prefix < after.slice(0, 2)) continue
      signal?.throwIfAborted()
      const files = await readdir(join(this.#parts.directory, prefix))
      const large = files.filter((name) => HASH.test(name) && name.startsWith(prefix))
      yield [...new Set([...large, ...(await this.#small(prefix, signal))])].toSorted()
    }
  }

  async #small(prefix: string, signal: AbortSignal | undefined): Promise<string[]> {
    const found: string[] = []
    for (let after: Uint8Array = Buffer.concat([SMALL, Buffer.from(prefix, 'hex')]); ;) {
      signal?.throwIfAborted()
      const keys = await this.#parts.state.keys(SMALL, { after, limit: PAGE })
      const hashes = keys.map((key) => Buffer.from(key.subarray(SMALL.length)).toString('hex'))
      found.push(...hashes.filter((hash) => HASH.test(hash) && hash.startsWith(prefix)))
      const last = keys.at(-1)
      if (last === undefined || keys.length < PAGE || !hashes.at(-1)?.startsWith(prefix))
        return found
      after = last
    }
  }
}
