import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const network = (...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'run.ts'), ...args], { encoding: 'utf8' })

describe('npm run network', () => {
  it('says what there is', () => {
    const { status, stdout } = network()
    assert.equal(status, 0)
    for (const what of ['latency', 'cold-pull', 'swarm', 'naming', 'hostile', 'wire', 'capture'])
      assert.match(stdout, new RegExp(`^  ${what} `, 'm'))
  })

  it('runs nothing by a name that there is not', () => {
    const { status, stderr } = network('latencies')
    assert.equal(status, 1)
    assert.match(stderr, /^network: there is no latencies\n/)
  })

  it('hands the options on', () => {
    const { status, stdout } = network('swarm', '--help')
    assert.equal(status, 0)
    assert.match(stdout, /--mirrors N/)
  })
})
