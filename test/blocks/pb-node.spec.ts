import assert from 'node:assert/strict'
import * as dagPb from '@ipld/dag-pb'
import fc from 'fast-check'
import { DAG_PB, RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { encodePbNode } from '../../src/blocks/pb-node.ts'

const link = fc.record({
  name: fc.oneof(
    fc.constantFrom('', 'a', 'b', 'data', 'link'),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.string({ unit: 'binary', maxLength: 5 }),
  ),
  cid: fc
    .record({ bytes: fc.uint8Array({ maxLength: 3 }), codec: fc.constantFrom(RAW, DAG_PB) })
    .map(({ bytes, codec }) => cidFromHash(codec, sha256(bytes)))
    .chain((cid) => fc.constantFrom(cid, ...(cid.code === DAG_PB ? [cid.toV0()] : []))),
  treeSize: fc.oneof(
    fc.nat(300),
    fc.constantFrom(127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1),
  ),
})

describe('a dag-pb node', () => {
  it('is the block that the reference library makes of it', () => {
    const property = fc.property(
      fc.array(link, { maxLength: 40 }),
      fc.uint8Array({ maxLength: 200 }),
      (links, data) => {
        const Links = links.map(({ name, cid, treeSize }) => ({
          Name: name,
          Hash: cid,
          Tsize: treeSize,
        }))
        const reference = dagPb.encode(dagPb.prepare({ Data: data, Links }))
        assert.ok(Buffer.from(reference).equals(encodePbNode(data, links)))
      },
    )
    fc.assert(property, { numRuns: 2000 })
  })

  it('leaves the list that it is made of as it was', () => {
    const cid = cidFromHash(RAW, sha256(Buffer.from('x')))
    const links = ['b', 'a', 'c'].map((name) => ({ name, cid, treeSize: 1 }))
    encodePbNode(new Uint8Array(0), links)
    assert.deepEqual(
      links.map(({ name }) => name),
      ['b', 'a', 'c'],
    )
  })
})
