import assert from 'node:assert/strict'
import { total } from './ledger.ts'
import { figures } from './page.ts'
import type { Run } from './ledger.ts'

const run = (seed: number, more: Partial<Run> = {}): Run => ({
  day: '2026-01-01',
  seed,
  lanes: 2,
  minutes: 3,
  cases: 10,
  unjudged: 1,
  answers: 100,
  cut: 5,
  trusted: 7,
  heldMs: 50,
  memory: 2 ** 20,
  slowestMs: 900,
  counts: { 'a link is a petabyte': 4 },
  ...more,
})

describe('runs against hostile mirrors', () => {
  it('are counted together, and the worst of each is the worst of all', () => {
    const all = total([run(1), run(3, { heldMs: 20, memory: 2 ** 22, slowestMs: 1000 })])
    assert.deepEqual(all, {
      minutes: 6,
      cases: 20,
      unjudged: 2,
      answers: 200,
      cut: 10,
      trusted: 14,
      heldMs: 50,
      memory: 2 ** 22,
      slowestMs: 1000,
      counts: { 'a link is a petabyte': 8 },
    })
  })

  it('are told with what was played in each', () => {
    const text = figures([run(1), run(3)]).join('\n')
    assert.match(text, /^20 hostile mirrors in 6 minutes, 200 answers/)
    assert.match(text, /2 more were not judged/)
    assert.match(text, /\| C\d\d.*\| a link is a petabyte 8 \|/)
    assert.match(text, /seeds 1 \(10\), 3 \(10\)/)
  })
})
