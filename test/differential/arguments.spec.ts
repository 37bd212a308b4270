import assert from 'node:assert/strict'
import { parseArguments } from './arguments.ts'

describe('differential: the command line', () => {
  it('plays 500 sequences from another seed each time', () => {
    const { sequences, seed, path, pairs, write } = parseArguments([])
    assert.deepEqual([sequences, path, write], [500, undefined, false])
    assert.ok(Number.isSafeInteger(seed) && pairs >= 1)
  })

  it('takes what a failure printed', () => {
    const { seed, path } = parseArguments(['--seed', '7', '--path', '3:0:1'])
    assert.deepEqual([seed, path], [7, '3:0:1'])
  })

  for (const wrong of [
    ['--sequences', '0'],
    ['--sequences', '1e3'],
    ['--seed', '-1'],
    ['--seed', ''],
    ['--path', 'x'],
    ['--pairs', '0'],
    ['--unknown'],
    ['500'],
  ])
    it(`refuses ${wrong.join(' ')}`, () => assert.throws(() => parseArguments(wrong)))
})
