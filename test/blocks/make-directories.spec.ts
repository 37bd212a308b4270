import assert from 'node:assert/strict'
import { stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectories } from '../../src/blocks/make-directories.ts'
import { temporaryDirectory } from '../support/temporary.ts'

describe('making a directory', () => {
  it('makes its parents too, and names the uppermost that it made', async () => {
    await using dir = await temporaryDirectory()
    const path = join(dir.path, 'a', 'b', 'c')
    assert.equal(await makeDirectories(path, 0o700), join(dir.path, 'a'))
    assert.equal((await stat(path)).mode & 0o777, 0o700)
    assert.equal(await makeDirectories(path), undefined)
  })

  it('is done by somebody, however many do it at once', async () => {
    await using dir = await temporaryDirectory()
    const path = join(dir.path, 'a', 'b', 'c')
    const made = await Promise.all(Array.from({ length: 20 }, () => makeDirectories(path)))
    assert.ok((await stat(path)).isDirectory())
    assert.ok(made.includes(join(dir.path, 'a')))
  })

  it('goes through links', async () => {
    await using dir = await temporaryDirectory()
    await symlink(dir.path, join(dir.path, 'link'))
    assert.equal(await makeDirectories(join(dir.path, 'link')), undefined)
    const path = join(dir.path, 'link', 'a')
    assert.equal(await makeDirectories(path), path)
  })

  it('fails where a file stands, on the way too', async () => {
    await using dir = await temporaryDirectory()
    const file = join(dir.path, 'file')
    await writeFile(file, '')
    await assert.rejects(makeDirectories(file), { code: 'EEXIST' })
    await assert.rejects(makeDirectories(join(file, 'x')), { code: 'ENOTDIR' })
  })

  it('fails where nothing can be made', async () => {
    await assert.rejects(makeDirectories('/dev/null/x/y'), { code: 'ENOTDIR' })
    if (process.platform === 'linux')
      await assert.rejects(makeDirectories('/proc/x/y'), { code: 'ENOENT' })
  })
})
