import { RegistryError } from '../oci/errors.ts'
import { algorithmOf } from '../oci/digest.ts'
import { FileWriter } from './file-writer.ts'
import { adoptionRoom } from './leaf-room.ts'
import type { BlockStore } from './block-store.ts'
import type { LeafRoom } from './leaf-room.ts'
import type { Digest } from '../oci/digest.ts'
import type { Abortable, ContentStore, StoredContent } from '../registry/ports.ts'

/** Writes content whose digest is known beforehand: manifests, and what is adopted from a mirror. */
export class BlockContentStore implements ContentStore {
  readonly #blocks: BlockStore

  readonly #room: LeafRoom

  constructor(blocks: BlockStore, room: LeafRoom = adoptionRoom) {
    this.#blocks = blocks
    this.#room = room
  }

  async write(
    source: Uint8Array | AsyncIterable<Uint8Array>,
    expected: Digest,
    options: Abortable & { limit?: number | undefined } = {},
  ): Promise<StoredContent> {
    const isWhole = source instanceof Uint8Array
    const where = isWhole ? { length: source.length } : { room: this.#room }
    using writer = new FileWriter(this.#blocks, algorithmOf(expected), where)
    const limit = options.limit ?? Infinity
    for await (const bytes of isWhole ? [source] : source) {
      options.signal?.throwIfAborted()
      if (writer.size + bytes.length > limit) throw tooLarge(limit)
      await writer.write(bytes, { signal: options.signal })
    }
    return await writer.finish(expected)
  }

  hold(): Disposable {
    return this.#blocks.hold?.() ?? { [Symbol.dispose]: () => undefined }
  }
}

/** What is said to content over `limits.blob`. */
export function tooLarge(limit: number): RegistryError {
  return new RegistryError('TOO_LARGE', {
    message: `this registry takes at most ${limit} bytes for one blob (limits.blob)`,
    detail: { limit },
  })
}
