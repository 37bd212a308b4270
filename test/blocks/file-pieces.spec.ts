import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import { LocalBlocks } from '../../src/blocks/block-source.ts'
import { CHUNK_BYTES } from '../../src/blocks/chunking.ts'
import { RAW } from '../../src/blocks/cids.ts'
import { FileNodes } from '../../src/blocks/file-nodes.ts'
import { readFile } from '../../src/blocks/file-reader.ts'
import { FileWriter } from '../../src/blocks/file-writer.ts'
import { NodeFormatError } from '../../src/blocks/nodes.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { MemoryBlocks } from '../support/memory-blocks.ts'
import { CID } from 'multiformats/cid'
import type { BlockSource } from '../../src/blocks/block-source.ts'
import type { ByteRange } from '../../src/registry/ports.ts'

const PIECE = 64 * 1024
const content = randomFillSync(Buffer.alloc(3 * CHUNK_BYTES + 2 * PIECE + 345))

/** A file, and a source that notes what is asked of it. */
async function stored(bytes: Buffer): Promise<{
  cid: CID
  source: BlockSource
  parts: ByteRange[]
  whole: CID[]
}> {
  const blocks = new MemoryBlocks()
  const writer = new FileWriter(blocks, 'sha256')
  await writer.write(bytes)
  const { id } = await writer.finish(digestOf(bytes))
  const local = new LocalBlocks(blocks)
  const parts: ByteRange[] = []
  const whole: CID[] = []
  const source: BlockSource = {
    readAhead: 2,
    nodes: new FileNodes(),
    size: (cid) => local.size(cid),
    get: (cid) => {
      whole.push(cid)
      return local.get(cid)
    },
    part: async (cid, part) => {
      parts.push(part)
      const block = await local.get(cid)
      const { offset, length } = part
      return { bytes: block.slice(offset, offset + length), size: block.length }
    },
  }
  return { cid: CID.parse(id), source, parts, whole }
}

describe('reading a file in pieces', () => {
  const ranges: [string, number, number][] = [
    ['all of it', 0, content.length],
    ['from the middle of a piece', PIECE + 7, 2 * CHUNK_BYTES],
    ['a byte', CHUNK_BYTES + 5, 1],
    ['its end', content.length - 20, 20],
  ]
  for (const [what, offset, length] of ranges)
    it(`gives small ones, and no leaf is read as a whole: ${what}`, async () => {
      const { cid, source, whole } = await stored(content)
      const range = { offset, length }
      const pieces = await Array.fromAsync(readFile(source, cid, { range, piece: PIECE }))
      assert.ok(pieces.every((piece) => piece.length <= PIECE))
      assert.deepEqual(Buffer.concat(pieces), content.subarray(offset, offset + length))
      assert.deepEqual(
        whole.filter(({ code }) => code === RAW),
        [],
      )
    })

  it('gives them of a file that is one leaf', async () => {
    const bytes = content.subarray(0, 5 * PIECE + 1)
    const { cid, source, parts, whole } = await stored(bytes)
    const pieces = await Array.fromAsync(readFile(source, cid, { piece: PIECE }))
    assert.deepEqual(Buffer.concat(pieces), bytes)
    assert.deepEqual([parts.length, whole.length], [6, 0])
  })

  it('reads each when it is asked for, and none ahead', async () => {
    const { cid, source, parts } = await stored(content)
    const reader = readFile(source, cid, { piece: PIECE })
    for (let asked = 1; asked <= 3; asked++) {
      await reader.next()
      assert.equal(parts.length, asked)
    }
    await reader.return(undefined)
  })

  it('reads its node once, however often it is opened', async () => {
    const { cid, source, whole } = await stored(content)
    for (const offset of [0, 1, 2])
      await Array.fromAsync(readFile(source, cid, { range: { offset, length: 1 }, piece: PIECE }))
    assert.equal(whole.length, 1)
  })

  it('cuts them from the whole where a source has no parts', async () => {
    const { cid, source } = await stored(content)
    const { part: _, ...plain } = source
    const pieces = await Array.fromAsync(readFile(plain, cid, { piece: PIECE }))
    assert.deepEqual(Buffer.concat(pieces), content)
    assert.ok(pieces.slice(0, -1).every(({ buffer }) => buffer.byteLength <= PIECE))
  })

  it('refuses a leaf that is longer than the node above says, whatever part is read', async () => {
    const { cid, source } = await stored(content)
    const longer: BlockSource = {
      ...source,
      part: async (leaf, part) => {
        const found = await source.part?.(leaf, part)
        return found && { ...found, size: found.size + 1 }
      },
    }
    const range = { offset: 0, length: 1 }
    const reading = Array.fromAsync(readFile(longer, cid, { range, piece: PIECE }))
    await assert.rejects(reading, NodeFormatError)
  })
})
