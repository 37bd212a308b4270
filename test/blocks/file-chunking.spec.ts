import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import { MemoryBlockstore } from 'blockstore-core'
import { importer } from 'ipfs-unixfs-importer'
import { CHUNK_BYTES } from '../../src/blocks/chunking.ts'
import { RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { BlockContentStore } from '../../src/blocks/content-store.ts'
import { FileDag } from '../../src/blocks/file-dag.ts'
import { FileWriter, PIECE_BYTES } from '../../src/blocks/file-writer.ts'
import { LeafRoom } from '../../src/blocks/leaf-room.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { isRegistryError } from '../../src/oci/errors.ts'
import { MemoryBlocks } from '../support/memory-blocks.ts'
import type { CID } from 'multiformats/cid'

const PROFILE = { profile: 'unixfs-v1-2025' } as const

async function reference(bytes: Uint8Array): Promise<string> {
  const [file] = await Array.fromAsync(
    importer([{ content: bytes }], new MemoryBlockstore(), PROFILE),
  )
  assert.ok(file)
  return file.cid.toString()
}

describe('the chunking of files', () => {
  for (const size of [
    0,
    1,
    CHUNK_BYTES - 1,
    CHUNK_BYTES,
    CHUNK_BYTES + 1,
    3 * CHUNK_BYTES,
    5 * CHUNK_BYTES + 77,
  ]) {
    it(`gives ${size} bytes the CID that the reference importer gives, in one pass`, async () => {
      const bytes = randomFillSync(Buffer.alloc(size))
      const blocks = new MemoryBlocks()
      const writer = new FileWriter(blocks, 'sha256')
      for (let at = 0; at < size; at += 300_001)
        await writer.write(bytes.subarray(at, at + 300_001))
      const stored = await writer.finish(digestOf(bytes))
      assert.equal(stored.id, await reference(bytes))
      assert.equal(stored.size, size)
    })
  }

  it('has memory of its own for little, and a place in the room for more, also after it was let go of', async () => {
    const bytes = randomFillSync(Buffer.alloc(2 * CHUNK_BYTES + 500_000))
    const room = new LeafRoom(4)
    const writer = new FileWriter(new MemoryBlocks(), 'sha256', { room })
    const held: number[] = []
    const write = async (from: number, to: number): Promise<void> => {
      await writer.write(bytes.subarray(from, to))
      held.push(writer.tail.buffer.byteLength)
      const tail = Uint8Array.from(writer.tail)
      writer.releaseTail()
      await writer.restoreTail(tail.length, (take) => Promise.resolve(take(tail)))
    }
    const ends = [1, 1000, 16_384, 16_385, 100_000, CHUNK_BYTES, 2 * CHUNK_BYTES + 10, bytes.length]
    for (const [i, end] of ends.entries()) await write(ends[i - 1] ?? 0, end)
    assert.equal((await writer.finish(digestOf(bytes))).id, await reference(bytes))
    assert.deepEqual(held.slice(0, 4), [PIECE_BYTES, PIECE_BYTES, PIECE_BYTES, CHUNK_BYTES])
  })

  it('takes no memory of a whole leaf for a manifest, and none beyond what was announced', async () => {
    const memory: number[] = []
    const blocks = new (class extends MemoryBlocks {
      override put(cid: CID, bytes: Uint8Array): Promise<void> {
        memory.push(bytes.buffer.byteLength)
        return super.put(cid, bytes)
      }
    })()
    const bytes = randomFillSync(Buffer.alloc(300))
    const { id } = await new BlockContentStore(blocks).write(bytes, digestOf(bytes))
    assert.equal(id, await reference(bytes))
    assert.deepEqual(memory, [300])
    const writer = new FileWriter(blocks, 'sha256', { length: 300 })
    await writer.write(bytes.subarray(0, 299))
    await assert.rejects(writer.write(bytes.subarray(0, 2)), /more bytes than announced/)
    await writer.write(bytes.subarray(299))
    assert.equal((await writer.finish(digestOf(bytes))).id, id)
  })

  // The widths are small so that three levels need no gigabyte; the shape rule is the same.
  for (const leaves of [1, 2, 3, 4, 9, 10, 27, 28, 82]) {
    it(`builds the balanced tree of the reference importer over ${leaves} leaves, three to a node`, async () => {
      const bytes = randomFillSync(Buffer.alloc(leaves * 100))
      const blocks = new MemoryBlocks()
      const dag = new FileDag((node) => blocks.put(node.cid, node.bytes), 3)
      for (let at = 0; at < bytes.length; at += 100) {
        const leaf = bytes.subarray(at, at + 100)
        await dag.add({ cid: cidFromHash(RAW, sha256(leaf)), size: 100, treeSize: 100 })
      }
      const root = await dag.finish()
      const { fixedSize } = await import('ipfs-unixfs-importer/chunker')
      const { balanced } = await import('ipfs-unixfs-importer/layout')
      const [file] = await Array.fromAsync(
        importer([{ content: bytes }], new MemoryBlockstore(), {
          ...PROFILE,
          chunker: fixedSize({ chunkSize: 100 }),
          layout: balanced({ maxChildrenPerNode: 3 }),
        }),
      )
      assert.equal(String(root?.cid), String(file?.cid))
      assert.equal(BigInt(root?.treeSize ?? 0), file?.size)
    })
  }

  it('refuses content that is not what its digest says', async () => {
    const writer = new FileWriter(new MemoryBlocks(), 'sha256')
    await writer.write(Buffer.from('this'))
    await assert.rejects(writer.finish(digestOf(Buffer.from('that'))), (error) =>
      isRegistryError(error, 'DIGEST_INVALID'),
    )
  })
})
