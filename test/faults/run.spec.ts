import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KINDS } from './kinds.ts'

const faults = (...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'run.ts'), ...args], { encoding: 'utf8' })

describe('npm run faults', () => {
  it('says what there is', () => {
    const { status, stdout } = faults()
    assert.equal(status, 0)
    for (const kind of Object.keys(KINDS)) assert.match(stdout, new RegExp(`^  ${kind} `, 'm'))
  })

  it('has a place for the figures of each in the documentation', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/reliability.md'), 'utf8')
    for (const kind of [...Object.keys(KINDS), 'stock'])
      assert.ok(page.includes(`<!-- run: ${kind} -->`), kind)
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

  it('puts only those stock parts in that a kind is about', () => {
    const stock = faults('power', '--stock', 'exporter')
    assert.equal(stock.status, 1)
    assert.match(stock.stderr, /--stock is one of: blockstore-fs, mfs-locked/)
  })

  it('has a stock part for each kind, which it has to find wanting', async () => {
    for (const [kind, load] of Object.entries(KINDS)) {
      const { campaign } = await load()
      // Over a long time it is our own memory that is looked at.
      if (kind !== 'soak') assert.ok(Object.keys(campaign.stock).length > 0, kind)
    }
  })
})
