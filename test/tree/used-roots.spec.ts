import assert from 'node:assert/strict'
import { CID } from 'multiformats/cid'
import { DAG_PB, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { UsedRoots } from '../../src/tree/used-roots.ts'

const root = (number: number): CID => cidFromHash(DAG_PB, sha256(Buffer.from(`${number}`)))

function roots(max?: number) {
  let time = 5
  const used = new UsedRoots({ lease: 100, max, now: () => time })
  return {
    used,
    pass: (milliseconds: number): void => void (time += milliseconds),
    list: () => used.list().map(String),
  }
}

describe('roots that are read from', () => {
  it('stay for as long as a lease after they were used last', () => {
    const { used, pass, list } = roots()
    used.note(root(1))
    used.note(root(2))
    pass(60)
    assert.equal(used.note(root(1)), false)
    pass(60)
    assert.deepEqual(list(), [root(1).toString()])
    pass(60)
    assert.deepEqual(list(), [])
    assert.equal(used.note(root(1)), true)
  })

  it('are forgotten though nothing is ever collected', () => {
    const { used, pass } = roots()
    for (let number = 0; number < 1000; number++) {
      used.note(root(0)) // which is used all the time, and no reason to remember the others
      used.note(root(number))
      pass(10)
    }
    assert.ok(used.size <= 11, `${used.size}`)
  })

  it('are one, whatever the CID is written like', () => {
    const { used, list } = roots()
    const old = CID.createV0(root(1).multihash as Parameters<typeof CID.createV0>[0])
    assert.equal(used.note(old), true)
    assert.equal(used.note(root(1)), false)
    assert.deepEqual(list(), [root(1).toString()])
  })

  it('are not told when there were more than are remembered, until those are over', () => {
    const { used, pass, list } = roots(2)
    for (const number of [1, 2, 3]) used.note(root(number))
    assert.equal(used.size, 2)
    assert.throws(list, /more than 2 states of the registry were read/)
    pass(99)
    used.note(root(3)) // which found no place, and was used again
    pass(99)
    assert.throws(list, /more than 2/)
    used.note(root(1))
    pass(1)
    assert.deepEqual(list(), [root(1).toString()])
  })

  it('can be taken back when it turns out that nothing is there', () => {
    const { used, list } = roots()
    used.note(root(1))
    used.forget(root(1))
    assert.deepEqual(list(), [])
  })
})
