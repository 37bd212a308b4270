import { RegistryError } from '../oci/errors.ts'
import { algorithmOf } from '../oci/digest.ts'
import { FileWriter } from './file-writer.ts'
import type { BlockStore } from './block-store.ts'
import type { Digest } from '../oci/digest.ts'
import type { Abortable, ContentStore, StoredContent } from '../registry/ports.ts'

/** Writes content whose digest is known beforehand: manifests, and what is adopted from a mirror. */
export class BlockContentStore implements ContentStore {
  readonly #blocks: BlockStore

  constructor(blocks: BlockStore) {
    this.#blocks = blocks
  }

  async write(
    source: Uint8Array | AsyncIterable<Uint8Array>,
    expected: Digest,
    options: Abortable & { limit?: number | undefined } = {},
  ): Promise<StoredContent> {
    const isWhole = source instanceof Uint8Array
    const length = isWhole ? source.length : Infinity
    const writer = new FileWriter(this.#blocks, algorithmOf(expected), undefined, length)
    const limit = options.limit ?? Infinity
    for await (const bytes of isWhole ? [source] : source) {
      options.signal?.throwIfAborted()
      if (writer.size + bytes.length > limit) throw tooLarge(limit)
      await writer.write(bytes, { signal: options.signal })
    }
    return writer.finish(expected)
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
