import { setImmediate } from 'node:timers/promises'
import { RAW } from './cids.ts'
import { decodeNode } from './nodes.ts'
import type { BlockOptions } from './block-store.ts'
import type { BlockSource } from './block-source.ts'
import type { Node } from './nodes.ts'
import type { CID } from 'multiformats/cid'

/** A node of so many bytes has a thousand links and more, each of which takes 5 µs to decode (measured). */
const LARGE_BYTES = 64 * 1024

/** One large node is decoded in a turn of the event loop, whoever asks for it: there is one loop for all of them. */
let turn: Promise<unknown> = Promise.resolve()

/**
 * Reads a node. Many large ones that come at once, or the same one for many readers, would hold the event loop for as long
 * as all of them together take.
 *
 * @throws NodeFormatError, and what the source throws
 */
export async function readNode(
  source: Pick<BlockSource, 'get'>,
  cid: CID,
  options?: BlockOptions,
): Promise<Node> {
  const bytes = await source.get(cid, options)
  if (cid.code === RAW || bytes.length < LARGE_BYTES) return decodeNode(cid, bytes)
  turn = turn.then(() => setImmediate())
  await turn
  options?.signal?.throwIfAborted()
  return decodeNode(cid, bytes)
}
