import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DAG_PB, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { StateDb } from '../../src/blocks/state-db.ts'
import { Journal } from '../../src/tree/journal.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { CID } from 'multiformats/cid'

const root = (number: number): CID => cidFromHash(DAG_PB, sha256(Buffer.from(`${number}`)))
const EMPTY = root(0)

/** A journal of commits, each by its two roots. */
async function journalOf(commits: readonly (readonly [CID, CID | undefined])[]) {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await temporaryDirectory())
  const state = await StateDb.open(join(directory.path, 'state'))
  stack.defer(() => state.close())
  const journal = new Journal(state)
  for (const [at, [published, hidden]] of commits.entries()) {
    const commit = { sequence: at + 1, time: at, changes: [] }
    await state.write(journal.write({ ...commit, public: published, private: hidden }))
  }
  const opened = stack.move()
  return { journal, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

describe('the roots that a journal knows', () => {
  it('stay known as published ones when the same tree is hidden later, and its first commit is trimmed', async () => {
    await using world = await journalOf([
      [root(1), undefined],
      [EMPTY, root(1)],
    ])
    const { journal } = world
    assert.equal(await journal.knows(root(1)), true)
    assert.equal((await journal.find(root(1)))?.sequence, 2)
    await journal.trim(2)
    assert.equal(await journal.knows(root(1)), false)
    assert.equal(await journal.has(root(1)), true)
    assert.equal((await journal.find(root(1)))?.sequence, 2)
  })

  it('are found as what they were last, published or not', async () => {
    await using world = await journalOf([
      [EMPTY, root(1)],
      [root(1), undefined],
      [root(2), root(3)],
    ])
    const { journal } = world
    assert.equal((await journal.find(root(1)))?.sequence, 2)
    assert.equal((await journal.find(root(3)))?.sequence, 3)
    assert.equal(await journal.find(root(4)), undefined)
  })

  it('were never published when they were only hidden', async () => {
    await using world = await journalOf([
      [EMPTY, root(1)],
      [EMPTY, root(2)],
    ])
    const { journal } = world
    assert.deepEqual([await journal.knows(root(1)), await journal.has(root(1))], [false, false])
    await journal.trim(2)
    assert.deepEqual([await journal.has(root(1)), await journal.isTrimmed(root(1))], [false, true])
  })
})
