import assert from 'node:assert/strict'
import { parseTask, scenarioIds } from './arguments.ts'

const measure = (...args: string[]) => {
  const task = parseTask(args)
  assert.equal(task.do, 'measure')
  return task as typeof task & { do: 'measure' }
}

describe('the arguments of the bench', () => {
  it('mean all scenarios in five rounds, or one when it has to be quick', () => {
    assert.deepEqual(measure().only, scenarioIds())
    assert.equal(measure().rounds, 5)
    assert.equal(measure('--quick').rounds, 1)
    assert.equal(measure('--quick', '--rounds', '3').rounds, 3)
    assert.deepEqual([measure().seconds, measure('--quick').seconds], [1800, 5])
    assert.equal(measure('--seconds', '60').seconds, 60)
  })

  it('choose scenarios and contenders, in the order of the bench', () => {
    const task = measure('--only', 'tags,start', '--contenders', 'zot,heliport', '--json', 'x')
    assert.deepEqual(task.only, ['start', 'tags'])
    assert.deepEqual(task.contenders, ['heliport', 'zot'])
    assert.equal(task.json, 'x')
  })

  it('tell how to grow a registry', () => {
    const grown = { do: 'grow', manifests: 10, gib: 0, data: 'd' }
    assert.deepEqual(parseTask(['grow', '--manifests', '10', '--data', 'd']), grown)
    const large = ['grow', '--manifests', '10', '--data', 'd', '--gib', '50']
    assert.deepEqual(parseTask(large), { ...grown, gib: 50 })
  })

  it('are refused when they are unknown, or no number, or would write figures of a quick run', () => {
    for (const [args, why] of [
      [['--only', 'tags,nothing'], /there is no nothing; there are start,/],
      [['--contenders', 'kubo'], /there is no kubo/],
      [['--rounds', '0'], /whole number/],
      [['--quick', '--write'], /are not written/],
      [['--fast'], /--fast/],
      [['grow', '--data', 'd'], /--manifests N/],
      [['grow', '--manifests', '5'], /--data DIRECTORY/],
    ] as const)
      assert.throws(() => parseTask(args), why)
  })
})
