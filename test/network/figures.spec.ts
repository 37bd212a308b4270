import assert from 'node:assert/strict'
import { replaced } from '../support/figures-page.ts'
import { median, quantile, table } from './support/figures.ts'
import { readOptions } from './support/options.ts'
import { parseSockets } from './support/sockets.ts'

describe('the figures of a benchmark', () => {
  it('have quantiles by nearest rank, whatever their order', () => {
    const values = Array.from({ length: 100 }, (_, at) => 100 - at)
    assert.deepEqual(
      [0.5, 0.9, 0.99, 1].map((q) => quantile(values, q)),
      [50, 90, 99, 100],
    )
    assert.equal(quantile([7], 0.01), 7)
    assert.throws(() => quantile([], 0.5), RangeError)
  })

  it('have a median', () => {
    assert.equal(median([9, 1, 5]), 5)
    assert.equal(median([9, 1, 5, 7]), 6)
    assert.throws(() => median([]), RangeError)
  })

  it('are shown as a table that Markdown understands', () => {
    const rows = [['what', 'is'], ['a', '1'], ['longer']]
    assert.equal(
      table(rows),
      '| what   | is  |\n| ------ | --- |\n| a      | 1   |\n| longer |     |',
    )
  })

  it('take the place of the older ones, and of nothing else', () => {
    const page =
      'a\n<!-- run: x -->\n\nold\n\n<!-- end: x -->\nb\n<!-- run: y -->\n<!-- end: y -->\n'
    const once = replaced(page, 'x', 'new')
    assert.equal(once, page.replace('old', 'new'))
    assert.equal(replaced(once, 'x', 'new'), once)
    assert.match(replaced(page, 'y', 'z'), /<!-- run: y -->\n\nz\n\n<!-- end: y -->\n$/)
    assert.throws(() => replaced(page, 'z', ''), /<!-- run: z -->/)
  })
})

describe('the options of a benchmark', () => {
  const numbers = { rounds: { usual: 5, quick: 1, what: 'rounds' } }

  it('have other values when it has to be quick, and those that are given', () => {
    const rounds = (...args: string[]) => readOptions(args, '', numbers)?.numbers.rounds
    assert.equal(rounds(), 5)
    assert.equal(rounds('--quick'), 1)
    assert.equal(rounds('--quick', '--rounds', '3'), 3)
  })

  it('are refused when they are unknown or no number', () => {
    for (const args of [['--round', '3'], ['--rounds', '0'], ['--rounds', 'x'], ['3']])
      assert.throws(() => readOptions(args, '', numbers), Error, args.join(' '))
  })
})

describe('what the kernel says of connections', () => {
  const line = (local: string, pid: number, info: string): string =>
    `ESTAB 0 0 ${local} 127.0.0.1:50000 users:(("node",pid=${pid},fd=27))\t ts sack cubic ${info} segs_out:3`

  it('is what each connection of the process has sent', () => {
    const text = [
      line('127.0.0.1:4001', 42, 'bytes_sent:700 bytes_retrans:5 bytes_acked:695'),
      line('127.0.0.1:4002', 42, 'bytes_received:9'),
      line('127.0.0.1:4003', 421, 'bytes_sent:900'),
      '',
    ].join('\n')
    assert.deepEqual(
      [...parseSockets(text, 42)],
      [
        ['127.0.0.1:4001 127.0.0.1:50000', 700],
        ['127.0.0.1:4002 127.0.0.1:50000', 0],
      ],
    )
  })
})
