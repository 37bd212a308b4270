import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const KINDS = ['kill', 'power', 'io', 'corrupt', 'disk-full', 'descriptors', 'clock', 'soak']
const faults = (...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'run.ts'), ...args], { encoding: 'utf8' })

describe('npm run faults', () => {
  it('says what there is', () => {
    const { status, stdout } = faults()
    assert.equal(status, 0)
    for (const kind of KINDS) assert.match(stdout, new RegExp(`^  ${kind} `, 'm'))
  })

  it('has a place for the figures of each in the documentation', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/reliability.md'), 'utf8')
    for (const kind of KINDS) assert.ok(page.includes(`<!-- run: ${kind} -->`), kind)
  })

  it('runs nothing by a name that there is not, and breaks nothing that it does not know', () => {
    const unknown = faults('killing')
    assert.equal(unknown.status, 1)
    assert.match(unknown.stderr, /^faults: there is no killing\n/)
    const sabotage = faults('power', '--sabotage', 'everything')
    assert.equal(sabotage.status, 1)
    assert.match(sabotage.stderr, /--sabotage is one of: fsync/)
    assert.equal(faults('kill', '--cycles', '0').status, 1)
  })
})
