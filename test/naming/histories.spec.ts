import assert from 'node:assert/strict'
import { DEFECTS, play } from './history/history.ts'

/** `npm run network -- naming --steps 100000` plays more of them. */
describe('histories of a name', () => {
  it('never move a name back, and end with every mirror at the newest root (1000 steps)', async function () {
    this.timeout(300_000)
    const seed = Date.now() % 2 ** 31
    const { failure, steps, checks } = await play({ steps: 1_000, seed })
    assert.equal(failure, undefined)
    assert.deepEqual([steps, checks > 200], [1_000, true])
  })

  for (const [what, defect] of Object.entries(DEFECTS)) {
    it(`would show a defect: ${what}`, async function () {
      this.timeout(300_000)
      const { failure } = await play({ steps: 10_000, seed: 81, defect })
      assert.match(failure ?? 'nothing was found', /Violation/)
    })
  }
})
