import assert from 'node:assert/strict'
import { trendOf } from './campaign/trend.ts'
import { SeededRandom } from './random.ts'
import type { Point } from './campaign/trend.ts'

const random = new SeededRandom(7)
const noise = (): number => random.next() + random.next() + random.next() - 1.5

const measured = (slope: number): Point[] =>
  Array.from({ length: 200 }, (_, x) => ({
    group: Math.floor(x / 50),
    x,
    y: slope * x + 100 * Math.floor(x / 50) + noise(),
  }))

describe('a trend', () => {
  it('is found within the groups, however far these are apart', () => {
    const { slope, margin, points } = trendOf(measured(0.05)) ?? assert.fail()
    assert.equal(points, 200)
    assert.ok(Math.abs(slope - 0.05) < margin, `${slope} ± ${margin}`)
    assert.ok(margin < 0.02, String(margin))
  })

  it('has none in its interval where there is none', () => {
    const { slope, margin } = trendOf(measured(0)) ?? assert.fail()
    assert.ok(Math.abs(slope) < margin, `${slope} ± ${margin}`)
  })

  it('is not told of too few points', () => {
    assert.equal(trendOf([]), undefined)
    assert.equal(trendOf(measured(1).slice(0, 4)), undefined)
    const atOnce = measured(1).map((point) => ({ ...point, x: 1 }))
    assert.equal(trendOf(atOnce), undefined)
  })
})
