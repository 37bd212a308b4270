import assert from 'node:assert/strict'
import { FigureBook, isReached, medianRatio, ratio } from './figures.ts'
import { growthSeries } from './growth-series.ts'
import type { Figure } from './figures.ts'

const speed: Figure = {
  name: 'speed',
  unit: 'MiB/s',
  values: { heliport: [100, 50, 80], distribution: [50, 50, 160], zot: [200, 25, 40] },
}

describe('a ratio of the bench', () => {
  it('is above one when Heliport is better, whatever the unit', () => {
    assert.equal(ratio('MiB/s', 200, 100), 2)
    assert.equal(ratio('requests/s', 50, 100), 0.5)
    assert.equal(ratio('ms', 50, 100), 2)
    assert.equal(ratio('MB', 200, 100), 0.5)
  })

  it('is the median of those within each round', () => {
    assert.equal(medianRatio(speed, ['distribution']), 1) // of 2, 1, 0.5; the ratio of the medians would be 1.6
    assert.equal(medianRatio(speed, ['zot']), 2)
  })

  it('beside several is that to the best of each round', () => {
    assert.equal(medianRatio(speed, ['distribution', 'zot']), 0.5) // of 0.5, 1, 0.5
    assert.equal(medianRatio(speed, ['zot', 'zot-commit']), 2)
  })

  it('is unknown when one of the two was not measured', () => {
    assert.equal(medianRatio(speed, ['kubo']), undefined)
    assert.equal(medianRatio({ ...speed, values: { zot: [1] } }, ['zot']), undefined)
  })
})

describe('a goal of the bench', () => {
  it('is reached or not, or was not measured', () => {
    assert.equal(isReached(speed, { ratio: 1, than: ['distribution'] }), true)
    assert.equal(isReached(speed, { ratio: 1.1, than: ['distribution'] }), false)
    assert.equal(isReached(speed, { ratio: 1, than: ['kubo'] }), undefined)
    assert.equal(isReached(speed, { atMost: 80 }), true)
    assert.equal(isReached(speed, { atMost: 79 }), false)
    assert.equal(isReached({ ...speed, values: {} }, { atMost: 79 }), undefined)
  })
})

describe('the figures of a scenario', () => {
  it('are put together by name, one value a round', () => {
    const book = new FigureBook()
    book.note('zot', [{ name: 'p50', unit: 'ms', value: 3 }])
    book.note('heliport', [{ name: 'p50', unit: 'ms', value: 1 }])
    book.note('heliport', [
      { name: 'p50', unit: 'ms', value: 2 },
      { name: 'p99', unit: 'ms', value: 9 },
    ])
    assert.deepEqual(book.figures(), [
      { name: 'p50', unit: 'ms', values: { zot: [3], heliport: [1, 2] } },
      { name: 'p99', unit: 'ms', values: { heliport: [9] } },
    ])
  })

  it('that are of a size become series over the sizes', () => {
    const figures: Figure[] = [
      { name: 'ready at 10', unit: 'ms', values: { heliport: [1, 5, 3] } },
      { name: 'ready at 100,000', unit: 'ms', values: { heliport: [7] } },
      { name: 'ready', unit: 'ms', values: { heliport: [7] } },
    ]
    const points = [
      { x: 10, y: 3 },
      { x: 100_000, y: 7 },
    ]
    assert.deepEqual(growthSeries(figures), [{ label: 'ready (ms)', points }])
  })
})
