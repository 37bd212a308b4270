import { DAG_PB, RAW, cidFromHash } from '../blocks/cids.ts'
import { linksOf } from '../blocks/node-links.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Collection } from '../blocks/collection.ts'
import type { NodeLink } from '../blocks/node-links.ts'
import type { OpenFiles } from '../blocks/open-files.ts'
import type { Pace } from '../blocks/pace.ts'
import type { Marker } from '../tree/mark.ts'
import type { CID } from 'multiformats/cid'

/** What a {@link CacheLimit} works with. */
export interface CacheLimitParts {
  readonly collection: Collection
  readonly marker: Marker
  readonly pace: Pace
  /** When files were used. */
  readonly files: OpenFiles
  /** Bytes that may stay; `null`: all. */
  readonly limit: number | null
}

/**
 * What is kept of the blobs of lazy mirrors: those that were used last, up to a size. What our own tree or a full mirror
 * holds as well does not count; nor do the nodes and links of the mirrors' trees, which always stay.
 */
export class CacheLimit {
  readonly #parts: CacheLimitParts
  /** Roots of files, by their hash. */
  readonly #found = new Map<string, CID>()
  /** Bytes that stay. */
  bytes = 0

  constructor(parts: CacheLimitParts) {
    this.#parts = parts
  }

  /** Takes note of a file of a mirror's tree. */
  readonly add = ({ hash, isLeaf }: NodeLink): void => {
    const key = Buffer.from(hash).toString('base64')
    if (!this.#found.has(key))
      this.#found.set(key, cidFromHash(isLeaf ? RAW : DAG_PB, Uint8Array.from(hash)))
  }

  /** Marks what stays. */
  async apply(options: BlockOptions): Promise<void> {
    const { marker, files, limit, pace } = this.#parts
    const usedAt = (cid: CID): number => files.usedAt(cid.toString()) ?? 0
    const order = [...this.#found.values()]
      .map((cid) => ({ cid, at: usedAt(cid) }))
      .toSorted((a, b) => b.at - a.at)
    for (const { cid } of order) {
      await pace.turn(options)
      if (limit !== null) {
        const bytes = await this.#sizeHere(cid, options)
        if (this.bytes + bytes > limit) return // it and all that were used before it go
        this.bytes += bytes
      }
      await marker.mark(cid, { ...options, isPartial: true, isOpen: true })
    }
  }

  /** Bytes of a file that are on this disk for its sake alone. */
  async #sizeHere(root: CID, options: BlockOptions): Promise<number> {
    const { collection, pace } = this.#parts
    const waiting = [root]
    let bytes = 0
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      await pace.turn(options)
      if (collection.live.has(next.multihash.digest)) continue
      bytes += (await collection.size(next)) ?? 0
      if (next.code !== RAW) for (const link of await this.#links(next)) waiting.push(cidOf(link))
    }
    return bytes
  }

  async #links(cid: CID): Promise<NodeLink[]> {
    const bytes = await this.#parts.collection.read(cid)
    try {
      return bytes === undefined ? [] : linksOf(bytes)
    } catch {
      return [] // nothing but its form can be wrong: it is a mirror's, and no reader follows it
    }
  }
}

function cidOf({ hash, isLeaf }: NodeLink): CID {
  return cidFromHash(isLeaf ? RAW : DAG_PB, hash)
}
