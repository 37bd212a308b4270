import assert from 'node:assert/strict'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/load.ts'
import { scratch } from './support.ts'

describe('config: audit', () => {
  it('takes a path relative to the working directory, a size and a count from the environment', async () => {
    await using directory = await scratch()
    const env = { REGISTRY_AUDIT_FILE: 'a.log', REGISTRY_AUDIT_KEEP: '3' }
    const { config } = await loadConfig({ env, cwd: directory.path })
    assert.equal(config.audit.file, join(directory.path, 'a.log'))
    assert.equal(config.audit.keep, 3)
  })

  for (const [key, value, why] of [
    ['MAXSIZE', '1KiB', /audit.*64KiB/],
    ['KEEP', '0', /whole number from 1 to 1000/],
    ['KEEP', '1e3', /whole number/],
    ['FILE', '~/audit.log', /not expanded/],
    ['PULLS', 'some', /true or false/],
  ] as const)
    it(`refuses ${key} ${value}`, async () => {
      await using directory = await scratch()
      const env = { [`REGISTRY_AUDIT_${key}`]: value }
      await assert.rejects(loadConfig({ env, cwd: directory.path }), why)
    })
})
