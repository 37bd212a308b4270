import assert from 'node:assert/strict'
import { shares } from './profile.ts'
import type { Profile } from './profile.ts'

const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 4 })

describe('the shares of a CPU profile', () => {
  const profile: Profile = {
    nodes: [
      { id: 1, callFrame: frame('(root)'), children: [2, 4] },
      { id: 2, callFrame: frame('outer', 'file:///home/x/src/a.ts'), children: [3] },
      { id: 3, callFrame: frame('inner', 'file:///home/x/node_modules/p/src/b.js') },
      { id: 4, callFrame: frame('(idle)') },
    ],
    samples: [2, 3, 3, 4],
    timeDeltas: [1000, 1000, 2000, 96_000],
  }

  it('are of the time in which something was done', () => {
    const { busy, shares: all } = shares([profile, profile])
    assert.equal(busy, 8)
    assert.deepEqual(
      all.filter(({ where }) => where !== '(root)'),
      [
        { where: 'outer src/a.ts:5', own: 0.25, whole: 1 },
        { where: 'inner node_modules/p/src/b.js:5', own: 0.75, whole: 0.75 },
      ],
    )
  })
})
