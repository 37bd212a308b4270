import { unixfs } from '@helia/unixfs'
import type { BlockSource } from '../../../src/blocks/block-source.ts'
import type { readFile as readOurs } from '../../../src/blocks/file-reader.ts'

export { fileBlocks, fileSize } from '../../../src/blocks/file-reader.ts'

type Blocks = Parameters<typeof unixfs>[0]['blockstore']

/** As ours, read by the stock exporter. */
export const readFile: typeof readOurs = async function* (source, cid, { range, signal } = {}) {
  using _ = source.hold?.(cid)
  const fs = unixfs({ blockstore: blocksOf(source) })
  const how = { ...range, ...(signal === undefined ? {} : { signal }) }
  yield* fs.cat(cid, how)
}

function blocksOf(source: BlockSource): Blocks {
  const store: Pick<Blocks, 'get'> = {
    async *get(cid, options) {
      yield await source.get(cid, { signal: options?.signal })
    },
  }
  return store as Blocks // it calls no other method to read
}
