import assert from 'node:assert/strict'
import { CHUNK_BYTES } from '../../src/blocks/chunking.ts'
import { FileWriter } from '../../src/blocks/file-writer.ts'
import { LeafRoom } from '../../src/blocks/leaf-room.ts'
import { MemoryBlocks } from '../support/memory-blocks.ts'

/** A disk of which each write after the first fails. */
class FailingDisk extends MemoryBlocks {
  override put(...args: Parameters<MemoryBlocks['put']>): Promise<void> {
    if (this.puts > 0) {
      this.puts++
      return Promise.reject(Object.assign(new Error('EIO: the disk failed'), { code: 'EIO' }))
    }
    return super.put(...args)
  }
}

function leaf(number: number): Buffer {
  return Buffer.alloc(CHUNK_BYTES, number)
}

describe('a writer whose disk fails', () => {
  it('says so at the next write, and puts nothing more', async () => {
    const disk = new FailingDisk()
    const writer = new FileWriter(disk, 'sha256')
    await writer.write(leaf(1))
    await writer.write(leaf(2))
    await assert.rejects(writer.settle(), /the disk failed/)
    await assert.rejects(writer.write(Buffer.from('a byte')), /the disk failed/)
    await assert.rejects(writer.write(leaf(3)), /the disk failed/)
    await assert.rejects(writer.settle(), /the disk failed/)
    assert.equal(disk.puts, 2)
  })

  it('gives its room back', async () => {
    const room = new LeafRoom(2)
    const writer = new FileWriter(new FailingDisk(), 'sha256', { room })
    await writer.write(leaf(1))
    await writer.write(Buffer.concat([leaf(2), Buffer.alloc(100_000)])).catch(() => undefined)
    await assert.rejects(writer.settle(), /the disk failed/)
    writer[Symbol.dispose]()
    using _first = await room.take()
    using _second = await room.take()
  })
})
