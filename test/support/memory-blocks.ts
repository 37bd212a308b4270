import type { BlockStore } from '../../src/blocks/block-store.ts'
import type { CID } from 'multiformats/cid'

/** A block store in memory, with the blocks open to whoever wants to break them. */
export class MemoryBlocks implements BlockStore {
  readonly blocks = new Map<string, Uint8Array>()
  puts = 0

  get(cid: CID): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.blocks.get(keyOf(cid)))
  }

  has(cid: CID): Promise<boolean> {
    return Promise.resolve(this.blocks.has(keyOf(cid)))
  }

  size(cid: CID): Promise<number | undefined> {
    return Promise.resolve(this.blocks.get(keyOf(cid))?.length)
  }

  put(cid: CID, bytes: Uint8Array): Promise<void> {
    this.puts++
    this.blocks.set(keyOf(cid), Uint8Array.from(bytes))
    return Promise.resolve()
  }

  sync(): Promise<void> {
    return Promise.resolve()
  }

  delete(cid: CID): void {
    this.blocks.delete(keyOf(cid))
  }
}

function keyOf(cid: CID): string {
  return Buffer.from(cid.multihash.digest).toString('hex')
}
