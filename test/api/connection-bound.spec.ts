import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectionBound } from '../../src/api/connection-bound.ts'

/** As Linux writes it, with the soft limit first. */
function limits(files: string): string {
  return `Limit                     Soft Limit           Hard Limit           Units
Max processes             94541                94541                processes
Max open files            ${files.padEnd(20)} 1048576              files
Max locked memory         8388608              8388608              bytes
`
}

describe('api: how many connections there may be', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'heliport-'))
  })
  after(() => rm(directory, { recursive: true }))

  const cases: [files: string, connections: number][] = [
    ['1048576', 4096],
    ['1024', 341],
    ['256', 85],
    ['20', 16],
    ['unlimited', 4096],
  ]
  for (const [files, connections] of cases) {
    it(`is ${connections} where ${files} files may be open`, async () => {
      const path = join(directory, files)
      await writeFile(path, limits(files))
      assert.equal(await connectionBound(path), connections)
    })
  }

  it('is 4096 where nobody says how many files', async () => {
    assert.equal(await connectionBound(join(directory, 'nothing')), 4096)
  })
})
