import assert from 'node:assert/strict'
import { portOptions } from '../../src/daemon/edge.ts'
import { load } from '../config/support.ts'

describe('the HTTP port is opened with', () => {
  const cases: [yaml: string, rate: number][] = [
    ['{}', 512],
    ['limits: { minDownloadRate: 4KiB }', 4096],
    ['limits: { minDownloadRate: null }', 0],
  ]
  for (const [yaml, rate] of cases)
    it(`a least rate for readers of ${rate} bytes a second by ${yaml}`, async () => {
      assert.equal(portOptions((await load(yaml)).config).minDownloadRate, rate)
    })
})
