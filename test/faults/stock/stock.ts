/** Stock parts that can stand in the place of ours, and what each is. */
export const STOCK_PARTS = {
  'blockstore-fs': 'blockstore-fs keeps the blocks that are files',
  mfs: '@helia/mfs changes the tree and keeps its root',
  'mfs-locked': 'the same, one change at a time',
  helia: 'both, blockstore-fs for all blocks, and @helia/mfs finds paths too',
  level: 'LevelDB with synced writes keeps small blocks, commits and the journal',
  exporter: 'the unixfs exporter reads files, as Helia does, from blocks that are not checked',
  ipns: '@helia/ipns publishes the root',
} as const

export type StockPart = keyof typeof STOCK_PARTS

export function isStockPart(name: string): name is StockPart {
  return Object.hasOwn(STOCK_PARTS, name)
}
