import assert from 'node:assert/strict'
import { UnixFS } from 'ipfs-unixfs'
import * as dagPb from '@ipld/dag-pb'
import { RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { decodeNode, encodeFileNode } from '../../src/blocks/nodes.ts'

const GiB = 2 ** 30
const leaf = cidFromHash(RAW, sha256(Buffer.from('leaf')))

/** The borders of what one, two … bytes of a varint hold, and of 32-bit numbers. */
const SIZES = [
  1,
  127,
  128,
  16_383,
  2 ** 21,
  2 ** 28,
  2 * GiB - 1,
  2 * GiB,
  3 * GiB,
  4 * GiB - 1,
  4 * GiB,
  2 ** 40 + 7,
]

describe('the inner node of a file', () => {
  for (const size of SIZES) {
    it(`can be read again with a part of ${size} bytes, and with two that make it`, () => {
      const half = Math.max(1, Math.floor(size / 2))
      for (const sizes of [[size], [half, half]]) {
        const made = encodeFileNode(
          sizes.map((part) => ({ cid: leaf, size: part, treeSize: part })),
        )
        const node = decodeNode(made.cid, made.bytes)
        assert.equal(node.kind, 'file')
        assert.deepEqual(node.kind === 'file' && node.parts.map((part) => part.size), sizes)
        const data = UnixFS.unmarshal(dagPb.decode(made.bytes).Data ?? new Uint8Array(0))
        assert.equal(data.fileSize(), BigInt(sizes.reduce((sum, part) => sum + part, 0)))
      }
    })
  }

  it('is byte for byte what the reference encoder makes of sizes it can write', () => {
    for (const sizes of [[1], [1 << 20, 1 << 20, 5], [2 ** 30], [2 ** 33, 2 ** 20]]) {
      const unixfs = new UnixFS({ type: 'file', blockSizes: sizes.map(BigInt) })
      const links = sizes.map((size) => ({ Name: '', Hash: leaf, Tsize: size }))
      const expected = dagPb.encode(dagPb.prepare({ Data: unixfs.marshal(), Links: links }))
      const made = encodeFileNode(sizes.map((size) => ({ cid: leaf, size, treeSize: size })))
      assert.deepEqual(Buffer.from(made.bytes), Buffer.from(expected))
    }
  })
})
