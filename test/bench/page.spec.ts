import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { barChart } from './chart/bars.ts'
import { lineChart } from './chart/lines.ts'
import { page, ratioBars } from './page.ts'
import { merged, parseResults } from './results.ts'
import { json, writtenResults } from './write.ts'
import type { Result } from './results.ts'

const result: Result = {
  id: 'push',
  title: 'Push of 1 × 1 GiB',
  how: 'Somehow.',
  goals: { speed: [{ ratio: 1, than: ['distribution', 'zot'] }] },
  writes: true,
  date: '2026-11-30T01:02:03.000Z',
  machine: { processors: 2, model: 'Some', memory: 24, node: '24.0.0', load: 0.1 },
  rounds: 3,
  contenders: [
    { id: 'heliport', title: 'Heliport', durability: 'all is synced' },
    { id: 'zot', title: 'zot 2', durability: 'nothing is synced' },
  ],
  outcome: {
    figures: [
      { name: 'speed', unit: 'MiB/s', values: { zot: [100, 100, 100], heliport: [90, 50, 120] } },
    ],
    memory: { heliport: { base: 160e6, peak: 210e6 } },
  },
}

describe('the page of the bench', () => {
  it('has medians, ratios, goals, durability and memory of what was measured', () => {
    const text = page([result]).replaceAll(/ +/g, ' ')
    for (const wanted of [
      '| speed, MiB/s | 90.0 | 100 | 0.90 | at least 1 × zot 2 | NO: 0.90 |',
      '| [Push of 1 × 1 GiB](#push-of-1--1-gib) | speed | at least 1 × zot 2 | NO: 0.90 |',
      '`npm run bench -- --only push --rounds 3 --write` on 2026-11-30, Node 24.0.0, 2 × Some, 24 GB, load 0.1 when it began:',
      'What a 201 means: Heliport: all is synced. zot 2: nothing is synced.',
      '| memory of Heliport, most | at most 450 MB | yes: 210 MB (Push of 1 × 1 GiB) |',
      'Memory (RSS) at the start, and at most: Heliport 160 MB, 210 MB.',
    ])
      assert.ok(text.includes(wanted), `${wanted}\n\nis not in\n\n${text}`)
  })

  it('says what did not run, and why', () => {
    const { outcome: _, ...without } = result
    assert.match(
      page([{ ...without, missing: 'curl: apt-get install curl' }]),
      /Not run: curl: apt/,
    )
    assert.match(
      page([{ ...without, missing: 'not there yet: needs `heliport gc`' }]),
      /Not there yet: needs/,
    )
    assert.match(page([{ ...without, failed: 'zot: no' }]), /Failed: zot: no/)
  })

  it('has results of older runs, in the order of the bench', () => {
    const older = [
      { ...result, id: 'b', title: 'old b' },
      { ...result, id: 'c', title: 'old c' },
    ]
    const newer = [
      { ...result, id: 'a', title: 'new a' },
      { ...older[1]!, title: 'new c' },
    ]
    const all = merged(older, newer, ['a', 'b', 'c'])
    assert.deepEqual(
      all.map(({ title }) => title),
      ['new a', 'old b', 'new c'],
    )
    assert.deepEqual(parseResults(json(all)).results, all)
    assert.throws(() => parseResults('{}'), /format 1/)
  })

  it('in docs is what its results say', async () => {
    const results = await writtenResults()
    const file = join(import.meta.dirname, '../../docs/performance.md')
    const text = await readFile(file, 'utf8')
    if (results === undefined) assert.match(text, /<!-- run: bench -->/)
    else assert.ok(text.includes(page(results).trimEnd()), 'npm run bench -- … --write')
  })
})

describe('the charts of the bench', () => {
  const bars = (svg: string) => [...svg.matchAll(/<rect x="([\d.]+)".* width="([\d.]+)"/g)]

  it('have a bar of each ratio, to the side where it belongs', () => {
    const bar = ratioBars([result])
    assert.deepEqual(bar, [{ label: 'Push of 1 × 1 GiB: speed', value: 0.9, wanted: 1 }])
    const drawn = barChart([
      { label: 'twice <', value: 2, wanted: 1 },
      { label: 'half', value: 0.5, wanted: 1 },
      { label: 'far beyond', value: 1000, wanted: 1 },
    ])
    const [twice, half, beyond] = bars(drawn).map(([, x, width]) => [Number(x), Number(width)])
    assert.equal(half![0]! + half![1]!, twice![0])
    assert.equal(half![1], twice![1])
    assert.ok(beyond![1]! < 4 * twice![1]!)
    assert.match(drawn, /twice &lt;/)
  })

  it('have lines on two logarithmic scales', () => {
    const points = [
      { x: 10, y: 1 },
      { x: 1000, y: 10 },
      { x: 100_000, y: 100 },
    ]
    const svg = lineChart([{ label: 'straight', points }], 'manifests')
    const [, path = ''] = /points="([^"]+)"/.exec(svg) ?? []
    const [a, b, c] = path.split(' ').map((point) => point.split(',').map(Number))
    assert.equal(Math.round(b![0]! - a![0]!), Math.round(c![0]! - b![0]!))
    assert.equal(Math.round(b![1]! - a![1]!), Math.round(c![1]! - b![1]!))
    assert.match(lineChart([], ''), /Not measured yet/)
  })
})
