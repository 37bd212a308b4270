import assert from 'node:assert/strict'
import { appendFile, readFile, readdir, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AuditFile } from '../../src/daemon/audit-file.ts'
import { auditLine } from '../../src/daemon/audit-line.ts'
import { smallDisk } from '../faults/small-disk.ts'
import { temporaryDirectory } from '../support/temporary.ts'

const ENTRY = {
  request: 'r',
  user: undefined,
  address: '127.0.0.1',
  action: 'denied',
  repository: undefined,
  reference: undefined,
  digest: undefined,
  status: 403,
  bytes: undefined,
} as const

describe('the file of the audit log', () => {
  it('is made for its owner only, and grows at its end', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'audit.log')
    for (const line of ['one\n', 'two\n']) {
      const file = new AuditFile(path, { maxSize: 100, keep: 2 })
      await file.append(line)
      await file.close()
    }
    assert.equal(await readFile(path, 'utf8'), 'one\ntwo\n')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
  })

  it('is rotated by its size, and so many are kept', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'audit.log')
    const file = new AuditFile(path, { maxSize: 10, keep: 2 })
    for (const line of ['11111111\n', '22222222\n', '33333333\n', '44444444\n', '5\n'])
      await file.append(line)
    await file.close()
    assert.deepEqual(await readdir(directory.path), ['audit.log', 'audit.log.1', 'audit.log.2'])
    const texts = ['', '.1', '.2'].map((end) => readFile(path + end, 'utf8'))
    assert.deepEqual(await Promise.all(texts), ['5\n', '44444444\n', '33333333\n'])
  })

  it('goes on in a new file when somebody has moved or removed it', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'audit.log')
    const file = new AuditFile(path, { maxSize: 100, keep: 2 })
    await file.append('one\n')
    await rename(path, `${path}.moved`)
    await file.append('two\n')
    await file.close()
    assert.equal(await readFile(`${path}.moved`, 'utf8'), 'one\n')
    assert.equal(await readFile(path, 'utf8'), 'two\n')
  })

  it('begins a line of its own after one that was cut off', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'audit.log')
    await writeFile(path, '{"time":"2026')
    const file = new AuditFile(path, { maxSize: 100, keep: 2 })
    await file.append('whole\n')
    await file.close()
    assert.equal(await readFile(path, 'utf8'), '{"time":"2026\nwhole\n')
  })

  it('has no part of a line that a full disk did not take, and takes it later', async function () {
    await using disk = await smallDisk(64 * 1024)
    if (disk === undefined) return this.skip()
    const path = join(disk.path, 'audit.log')
    const file = new AuditFile(path, { maxSize: 2 ** 20, keep: 2 })
    await file.append('one\n')
    const ballast = join(disk.path, 'ballast')
    await appendFile(ballast, Buffer.alloc(56 * 1024))
    const long = `${'x'.repeat(10_000)}\n`
    await assert.rejects(file.append(long), { code: 'ENOSPC' })
    assert.equal(await readFile(path, 'utf8'), 'one\n')
    await writeFile(ballast, '')
    await file.append(long)
    await file.close()
    assert.equal(await readFile(path, 'utf8'), `one\n${long}`)
  })

  it('refuses what is no file', async () => {
    await using directory = await temporaryDirectory()
    const file = new AuditFile(directory.path, { maxSize: 100, keep: 2 })
    await assert.rejects(file.open(), { code: 'EISDIR' })
    await assert.rejects(new AuditFile('/dev/null', { maxSize: 100, keep: 2 }).open(), /not a file/)
  })
})

describe('a line of the audit log', () => {
  const TIME = new Date(0)

  it('is one line of JSON with null for what is not known', () => {
    const line = auditLine(ENTRY, TIME)
    assert.deepEqual(JSON.parse(line), {
      time: '1970-01-01T00:00:00.000Z',
      request: 'r',
      user: null,
      address: '127.0.0.1',
      action: 'denied',
      repository: null,
      reference: null,
      digest: null,
      status: 403,
      bytes: null,
    })
  })

  it('shows no control characters, and no text that hides or turns other text', () => {
    const user = 'a\n{"user":"root"}\r\u001b[2J\u009b\u202e\u2028\u200b\ud800z'
    const line = auditLine({ ...ENTRY, user }, TIME)
    assert.match(line, /^[\x20-\x7e]+\n$/)
    assert.equal((JSON.parse(line) as { user: string }).user, user)
  })

  it('is bounded, whatever a field holds', () => {
    const long = 'ä'.repeat(1_000_000)
    const line = auditLine({ ...ENTRY, user: long, key: long, root: long }, TIME)
    assert.ok(line.length < 2000)
  })
})
