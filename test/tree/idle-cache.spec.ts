import assert from 'node:assert/strict'
import { NodeCache } from '../../src/tree/node-cache.ts'
import { encodeDirectory } from '../../src/blocks/nodes.ts'
import { rootNumber } from '../naming/support.ts'

describe('the cache of tree nodes, when nobody wants anything', () => {
  it('keeps what was used last, and is filled again afterwards', async () => {
    const cache = new NodeCache()
    let reads = 0
    const folder = async (n: number) => {
      const cid = await rootNumber(n)
      return encodeDirectory(
        Array.from({ length: 500 }, (_, i) => ({ name: `e${i}-${n}`, cid, treeSize: 1 })),
      )
    }
    const folders = await Promise.all(Array.from({ length: 20 }, (_, n) => folder(n)))
    const blocks = new Map(folders.map(({ cid, bytes }) => [cid.toString(), bytes]))
    const source = {
      readAhead: 0,
      size: async () => undefined,
      get: async (cid: { toString(): string }) => {
        reads++
        return blocks.get(cid.toString()) ?? assert.fail()
      },
    }
    const readAll = async (): Promise<number> => {
      reads = 0
      for (const { cid } of folders) await cache.load(source, cid)
      return reads
    }
    assert.equal(await readAll(), 20)
    assert.equal(await readAll(), 0)
    cache.shrink()
    const last = folders.at(-1) ?? assert.fail()
    await cache.load(source, last.cid)
    assert.equal(reads, 0, 'the last one is still there')
    const again = await readAll()
    assert.ok(again > 0 && again < 20, `${again} of 20 were read again`)
    assert.equal(await readAll(), 0)
  })
})
