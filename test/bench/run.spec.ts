import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseResults } from './results.ts'
import { temporaryDirectory } from '../support/temporary.ts'

const bench = (env: NodeJS.ProcessEnv, ...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'run.ts'), ...args], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  })

describe('npm run bench', () => {
  it('says what there is', () => {
    const { status, stdout } = bench({}, '--help')
    assert.equal(status, 0)
    for (const id of ['start', 'push-1x1g', 'pull-100x1m', 'manifest-get', 'push-gc', 'zb'])
      assert.match(stdout, new RegExp(`^  ${id} `, 'm'))
  })

  it('runs nothing by a name that there is not', () => {
    const { status, stderr } = bench({}, '--only', 'pushes')
    assert.equal(status, 1)
    assert.match(stderr, /^bench: --only: there is no pushes/)
  })

  it('ends with 2 when nothing could run, and names what is missing', () => {
    const { status, stdout } = bench(
      { PATH: '' },
      '--only',
      'pull-1x1g',
      '--contenders',
      'heliport',
    )
    assert.equal(status, 2, stdout)
    assert.match(stdout, /not run: pull-1x1g: curl: apt-get install curl/)
  })

  it('measures, and gives the results as JSON', async () => {
    await using directory = await temporaryDirectory()
    const file = join(directory.path, 'results.json')
    const args = ['--quick', '--contenders', 'heliport', '--only', 'push-100x1m', '--json', file]
    const { status, stdout, stderr } = bench({}, ...args)
    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout, /\| speed, MiB\/s \| [\d.]+ /)
    const [result] = parseResults(await readFile(file, 'utf8')).results
    assert.equal(result?.outcome?.figures[0]?.values.heliport?.length, 1)
    assert.ok((result?.outcome?.memory?.heliport?.peak ?? 0) > 0)
  })
})
