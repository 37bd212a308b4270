import { fileBlocks } from '../blocks/file-reader.ts'
import { hexOf, lostBlocks, newBlocks } from './reach.ts'
import type { BlockSource } from '../blocks/block-source.ts'
import type { LinkMarks } from '../blocks/link-marks.ts'
import type { TreeTransaction } from './transaction.ts'
import type { CID } from 'multiformats/cid'

/** What a commit did to the published tree. */
export interface Committed {
  readonly read: (cid: CID) => Promise<Uint8Array>
  readonly before: CID | undefined
  readonly root: CID
  /** The tree that is not published, after it. */
  readonly hidden: CID | undefined
  /** Nodes and blocks of files of the published tree that it wrote. */
  readonly written: readonly CID[]
  /** The published trees of commits that are kept. */
  readonly history: AsyncIterable<{ readonly public: CID }>
  readonly edits: readonly Pick<TreeTransaction, 'isGrafted' | 'isUnpublished'>[]
}

/** Which blocks peers may have from a commit on, and which they may not any longer. */
export async function marksOf(committed: Committed): Promise<LinkMarks> {
  const { read, before, root, hidden, history, written, edits } = committed
  const linked = [root, ...written].map(hexOf)
  if (edits.some(({ isGrafted }) => isGrafted))
    for await (const cid of newBlocks(read, root, before)) linked.push(hexOf(cid))
  if (!edits.some(({ isUnpublished }) => isUnpublished)) return { linked, unlinked: [] }
  const others = [before, hidden].filter((other) => other !== undefined)
  return { linked, unlinked: await lostBlocks(read, { now: root, others, history }) }
}

/** All blocks of files, since what a commit links, peers may have. */
export async function blocksOf(source: BlockSource, files: readonly CID[]): Promise<CID[]> {
  const blocks: CID[] = []
  for (const file of files) for await (const cid of fileBlocks(source, file)) blocks.push(cid)
  return blocks
}
