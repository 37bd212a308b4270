import assert from 'node:assert/strict'
import { inParts } from '../../src/ipfs/outgoing-parts.ts'
import type { Outgoing } from '../../src/ipfs/outgoing-parts.ts'

const MIB = 1024 * 1024

/** A message with blocks of these sizes, and one want and one presence. */
function message(sizes: readonly number[]): Outgoing {
  const blocks = new Map(sizes.map((size, i) => [`b${i}`, { data: new Uint8Array(size) }]))
  const [wantlist, blockPresences] = [new Map([['w', 1]]), new Map([['p', 1]])]
  return { blocks, wantlist, blockPresences, full: true, pendingBytes: 7 }
}

describe('a bitswap message on its way out', () => {
  const cases: Array<[string, number[], number[]]> = [
    ['without blocks is one part', [], [0]],
    ['with one leaf is one part', [MIB], [1]],
    ['with three leaves is one part', [MIB, MIB, MIB], [3]],
    ['with eight leaves is three parts', Array.from({ length: 8 }, () => MIB), [3, 3, 2]],
    ['keeps large blocks apart', [2 * MIB, 2 * MIB, 2 * MIB], [1, 1, 1]],
    ['sends a block that is too large by itself', [1, 4 * MIB, 1], [1, 1, 1]],
    ['keeps a thousand small blocks together', Array.from({ length: 1000 }, () => 1000), [1000]],
  ]
  for (const [what, sizes, expected] of cases) {
    it(what, () => {
      const whole = message(sizes)
      const parts = [...inParts(whole)]
      assert.deepEqual(
        parts.map(({ blocks }) => blocks.size),
        expected,
      )
      assert.deepEqual(new Map(parts.flatMap(({ blocks }) => [...blocks])), whole.blocks)
    })
  }

  it('has what is not a block in its first part, once', () => {
    const [first, second] = inParts(message([3 * MIB, MIB]))
    assert.deepEqual(
      [first?.wantlist.size, first?.blockPresences.size, first?.full, first?.pendingBytes],
      [1, 1, true, 7],
    )
    assert.deepEqual(
      [second?.wantlist.size, second?.blockPresences.size, second?.full, second?.pendingBytes],
      [0, 0, false, 0],
    )
  })
})
