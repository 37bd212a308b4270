import assert from 'node:assert/strict'
import { AuditLog } from '../../src/daemon/audit-log.ts'
import { StorageError } from '../../src/blocks/storage-error.ts'
import type { AuditEntry } from '../../src/api/audit.ts'

const entry = (action: AuditEntry['action'], request = 'r'): AuditEntry => ({
  request,
  action,
  user: undefined,
  address: '192.0.2.1',
  repository: undefined,
  reference: undefined,
  digest: undefined,
  status: 201,
  bytes: undefined,
})

/** A file whose disk can be full, or not answer. */
class File {
  readonly lines: string[] = []
  failure: Error | undefined
  hangs: Promise<void> | undefined
  syncs = 0
  isClosed = false

  async append(text: string): Promise<void> {
    await this.hangs
    if (this.failure !== undefined) throw this.failure
    this.lines.push(...text.split('\n').slice(0, -1))
  }

  async sync(): Promise<void> {
    this.syncs++
  }

  async close(): Promise<void> {
    this.isClosed = true
  }

  field(name: string): unknown[] {
    return this.lines.map((line) => (JSON.parse(line) as Record<string, unknown>)[name])
  }
}

function open(file: File, stallMs = 60_000, refusals = new File()) {
  const said: string[] = []
  const say = (_fields: object, text: string) => void said.push(text)
  const audit = new AuditLog({
    changes: file,
    refusals,
    pulls: false,
    log: { error: say, info: say } as never,
    stallMs,
  })
  return { audit, said }
}

const FULL = new StorageError('no space left', 'ENOSPC', true)

describe('the audit log', () => {
  it('has written a line when it says so, in the order in which they came', async () => {
    const file = new File()
    const { audit } = open(file)
    const ids = Array.from({ length: 1000 }, (_, index) => String(index))
    await Promise.all(ids.map((id) => audit.write(entry('push-blob', id))))
    assert.deepEqual(file.field('request'), ids)
    await audit[Symbol.asyncDispose]()
    assert.deepEqual([file.syncs, file.isClosed], [1, true])
  })

  it('lets requests go on when it cannot be written, says so, and keeps lines for later', async () => {
    const file = new File()
    file.failure = FULL
    const { audit, said } = open(file)
    await audit.write(entry('push-blob', '1'))
    await audit.write(entry('push-blob', '2'))
    assert.equal(audit.status().error, 'no space left')
    assert.deepEqual(audit.status(), { error: 'no space left', lost: 0 })
    assert.match(said[0] ?? '', /requests go on/)
    file.failure = undefined
    await audit[Symbol.asyncDispose]()
    assert.deepEqual(file.field('request'), ['1', '2'])
    assert.equal(audit.status().error, null)
  })

  it('keeps so many lines, and tells in the file how many are lost', async () => {
    const file = new File()
    file.failure = FULL
    const { audit } = open(file)
    for (let index = 0; index < 5000; index++) await audit.write(entry('push-blob'))
    assert.equal(audit.status().lost, 5000 - 4096)
    file.failure = undefined
    await audit[Symbol.asyncDispose]()
    assert.equal(file.lines.length, 4096 + 1)
    const last = JSON.parse(file.lines.at(-1) ?? '') as object
    assert.deepEqual({ ...last, time: '' }, { time: '', action: 'lost', count: 5000 - 4096 })
  })

  it('does not let requests wait for a disk that does not answer', async () => {
    const file = new File()
    const { promise, resolve } = Promise.withResolvers<void>()
    file.hangs = promise
    const { audit } = open(file, 1)
    await audit.write(entry('push-blob'))
    assert.match(audit.status().error ?? '', /does not answer/)
    resolve()
    await audit[Symbol.asyncDispose]()
    assert.equal(file.lines.length, 1)
  })

  it('says that one of its files cannot be written, whichever it is, and writes the other', async () => {
    const [changes, refusals] = [new File(), new File()]
    refusals.failure = FULL
    const { audit } = open(changes, 60_000, refusals)
    await audit.write(entry('denied'))
    await audit.write(entry('push-blob'))
    assert.deepEqual(audit.status(), { error: 'no space left', lost: 0 })
    assert.deepEqual(changes.field('action'), ['push-blob'])
    refusals.failure = undefined
    await audit[Symbol.asyncDispose]()
    assert.deepEqual(refusals.field('action'), ['denied'])
    assert.deepEqual([changes.isClosed, refusals.isClosed], [true, true])
  })
})
