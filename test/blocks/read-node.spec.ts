import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { LocalBlocks } from '../../src/blocks/block-source.ts'
import { RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { encodeDirectory } from '../../src/blocks/nodes.ts'
import { readNode } from '../../src/blocks/read-node.ts'
import { MemoryBlocks } from '../support/memory-blocks.ts'

describe('reading a node', () => {
  it('lets others have their turn between large ones, however many readers come at once', async () => {
    const blocks = new MemoryBlocks()
    const cid = cidFromHash(RAW, sha256(Buffer.from('x')))
    const entries = Array.from({ length: 3000 }, (_, n) => ({ name: `${n}`, cid, treeSize: 1 }))
    const large = encodeDirectory(entries)
    const small = encodeDirectory(entries.slice(0, 10))
    for (const each of [large, small]) await blocks.put(each.cid, each.bytes)
    const source = new LocalBlocks(blocks)
    let [turns, isOver] = [0, false]
    const others = async (): Promise<void> => {
      for (; !isOver; turns++) await setImmediate()
    }
    const waiting = others()
    await Promise.all(Array.from({ length: 20 }, () => readNode(source, large.cid)))
    isOver = true
    await waiting
    assert.ok(turns >= 20, `${turns} turns for 20 readers`)
    const node = await readNode(source, small.cid)
    assert.equal(node.kind === 'directory' && node.entries.length, 10)
  })

  it('stops waiting for its turn when nobody wants it any more', async () => {
    const blocks = new MemoryBlocks()
    const cid = cidFromHash(RAW, sha256(Buffer.from('x')))
    const large = encodeDirectory(
      Array.from({ length: 3000 }, (_, n) => ({ name: `${n}`, cid, treeSize: 1 })),
    )
    await blocks.put(large.cid, large.bytes)
    const abort = new AbortController()
    const reading = readNode(new LocalBlocks(blocks), large.cid, { signal: abort.signal })
    abort.abort(new Error('gone'))
    await assert.rejects(reading, /gone/)
  })
})
