import assert from 'node:assert/strict'
import { courseChart } from './chart/course.ts'
import { growthTable } from './growth-series.ts'
import { begun } from './results.ts'
import { figures, thinned } from './scenarios/mixed.ts'
import { GROWTH } from './scenarios/growth.ts'
import type { Figure } from './figures.ts'

const course = (memory: (at: number) => number, count = 900) =>
  Array.from({ length: count }, (_, at) => ({ seconds: at, mb: memory(at) }))

const valueOf = (all: readonly Figure[], name: string): number | undefined =>
  all.find((figure) => figure.name === name)?.values.heliport?.[0]

describe('memory under mixed load', () => {
  it('has not grown when only its first third did', () => {
    const all = figures(
      course((at) => Math.min(at, 300)),
      310e6,
    )
    assert.equal(valueOf(all, 'growth'), 0)
    assert.equal(valueOf(all, 'memory, most'), 310)
    assert.equal(valueOf(all, 'memory, median at the end'), 300)
  })

  it('has grown when the last third is above the second', () => {
    const all = figures(
      course((at) => 200 + at / 10),
      290e6,
    )
    assert.equal(valueOf(all, 'growth'), 30)
  })

  it('is kept at equal distances, few enough for a chart', () => {
    const points = thinned(course((at) => at, 1801))
    assert.ok(points.length <= 300)
    assert.deepEqual(points.slice(0, 2), [
      { seconds: 0, mb: 0 },
      { seconds: 7, mb: 7 },
    ])
  })

  it('is drawn from zero on, with the limit above it', () => {
    const svg = courseChart(
      course(() => 225),
      450,
    )
    const [, path = ''] = /points="([^"]+)"/.exec(svg) ?? []
    const heights = new Set(path.split(' ').map((point) => point.split(',')[1]))
    assert.equal(heights.size, 1)
    const limit = Number(/y1="([\d.]+)" [^>]*stroke="#d9822b"/.exec(svg)?.[1])
    const base = 260 - 40
    assert.ok(Math.abs(base - Number([...heights][0]) - (base - limit) / 2) <= 0.1)
    assert.match(courseChart([], 450), /Not measured yet/)
  })
})

describe('the cost as a registry grows', () => {
  const figure = (name: string, ...heliport: number[]): Figure => ({
    name,
    unit: 'ms',
    values: { heliport },
  })
  const measured = [
    figure('manifest PUT, p50 at 10', 4, 6, 5),
    figure('ready at 10', 700),
    figure('manifest PUT, p50 at 100,000', 16),
    figure('ready at 100,000', 900),
  ]

  it('is a table with a column for each size', () => {
    const text = growthTable({ ...begun(GROWTH, [], 3), outcome: { figures: measured } })
    const [head, , put, ready] = (text ?? '').replaceAll(/ +/g, ' ').split('\n')
    assert.equal(head, '| median | 10 | 100,000 | wanted | reached |')
    assert.equal(put, '| manifest PUT, p50, ms | 5.00 | 16.0 | at most 15 ms at 100,000 | NO |')
    assert.equal(ready, '| ready, ms | 700 | 900 | at most 2000 ms at 100,000 | yes |')
  })

  it('is no such table for other figures', () => {
    const outcome = { figures: [figure('p50', 1)] }
    assert.equal(growthTable({ ...begun(GROWTH, [], 3), outcome }), undefined)
  })
})
