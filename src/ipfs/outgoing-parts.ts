/** A bitswap message on its way out. Its maps are keyed by multihash. */
export interface Outgoing {
  readonly blocks: Map<string, { readonly data: Uint8Array }>
  readonly blockPresences: Map<string, unknown>
  readonly wantlist: Map<string, unknown>
  readonly full: boolean
  readonly pendingBytes: number
}

/** Bytes of blocks in one part; a block that is larger goes alone. */
const PART_BYTES = 3 * 1024 * 1024

/**
 * Cuts a message into parts that are to be sent one after the other, each on a stream of its own.
 *
 * The stock bitswap answers all wants of a peer on one stream. But a stream holds only 4 MiB until its reader takes
 * them, whatever its window, and is cut when more arrives (`StreamBufferError`): a reader that was busy for a moment
 * lost every block of such an answer, and nobody told either side. The first part has all that is not a block.
 */
export function* inParts(message: Outgoing): Generator<Outgoing> {
  let part: Outgoing = { ...message, blocks: new Map() }
  let bytes = 0
  for (const [key, block] of message.blocks) {
    if (bytes > 0 && bytes + block.data.length > PART_BYTES) {
      yield part
      part = onlyBlocks()
      bytes = 0
    }
    part.blocks.set(key, block)
    bytes += block.data.length
  }
  yield part
}

function onlyBlocks(): Outgoing {
  const [blocks, blockPresences, wantlist] = [new Map(), new Map(), new Map()]
  return { blocks, blockPresences, wantlist, full: false, pendingBytes: 0 }
}
