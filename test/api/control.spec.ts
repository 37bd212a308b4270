import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { createControlApp } from '../../src/api/control-app.ts'
import { listen } from '../../src/api/server.ts'
import { RegistryError } from '../../src/oci/errors.ts'
import { call } from '../support/http.ts'
import type { Control } from '../../src/api/control-face.ts'
import type { Listener } from '../../src/api/server.ts'

class MemoryControl implements Control {
  readonly keys = new Map<string, Uint8Array>([['registry', Buffer.from([1, 2, 3])]])
  fail: Error | undefined

  async listKeys() {
    return [...this.keys.keys()].map((name) => ({ name, id: `k51${name}` }))
  }

  async exportKey(name: string) {
    const key = this.keys.get(name)
    if (key === undefined) throw new RegistryError('NAME_UNKNOWN', { message: 'no such key' })
    return key
  }

  async importKey(name: string, key: Uint8Array, { replace }: { replace: boolean }) {
    if (this.keys.has(name) && !replace) throw new RegistryError('DENIED', { message: 'exists' })
    this.keys.set(name, key)
    return { name, id: `k51${name}` }
  }

  async takeOver() {
    if (this.fail !== undefined) throw this.fail
    return { id: 'k51registry', above: '18446744073709551614' }
  }

  commits({ limit, before }: { limit: number; before?: number | undefined }) {
    const commit = { sequence: before ?? limit, time: '', root: 'bafy', changes: [] }
    return Promise.resolve([commit])
  }

  async *diff(from: string, to: string) {
    if (from === 'nowhere') throw new RegistryError('DENIED', { message: 'no such root' })
    yield { kind: 'tag', from, to }
  }

  async *collect({ dryRun }: { dryRun: boolean }) {
    if (this.fail !== undefined) throw this.fail
    yield { phase: 'mark', done: 1, blocks: 0, bytes: 0 }
    yield { report: { dryRun } }
  }

  async *check({ repair }: { repair: boolean }) {
    if (this.fail !== undefined) throw this.fail
    yield { phase: 'trees', done: 1, total: 2, bytes: 3, damaged: 0, mended: 0 }
    yield { report: { repair } }
  }

  async *rollback(root: string, { dryRun, asClient }: { dryRun: boolean; asClient: boolean }) {
    assert.equal(asClient, false, 'who has the socket runs the daemon')
    if (root === 'nowhere') throw new RegistryError('DENIED', { message: 'no such root' })
    yield { kind: 'tag', change: 'added' }
    if (!dryRun) yield { rolledBack: root }
  }

  async *exportTree(directory: string) {
    if (directory === '/full') throw new RegistryError('DENIED', { message: 'not empty' })
    yield { files: 1, bytes: 10 }
    if (this.fail !== undefined) throw this.fail
    yield { files: 2, bytes: 30 }
  }
}

describe('api: the control socket', () => {
  let directory: string
  let control: MemoryControl
  let server: Listener
  /** Told of each line of the log. */
  let onLog: (line: string) => void
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'heliport-'))
  })
  beforeEach(async () => {
    control = new MemoryControl()
    onLog = () => undefined
    const app = createControlApp({
      control,
      status: () => ({ peerId: '12D3' }),
      readiness: () => ({ ready: true }),
      version: 'test',
      log: pino({ level: 'info' }, { write: (line) => onLog(line) }),
    })
    server = await listen(app, { path: join(directory, 's.sock'), log: pino({ level: 'silent' }) })
  })
  afterEach(() => server.close())
  after(() => rm(directory, { recursive: true }))

  const ask = (method: string, path: string, body?: unknown) =>
    call({ socketPath: server.address }, method, path, {
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })

  it('checks everything, telling how far it is', async () => {
    const { body } = await ask('POST', '/api/v1/fsck', { repair: true })
    const [progress, report, end] = String(body).trimEnd().split('\n')
    assert.match(progress ?? '', /"phase":"trees"/)
    assert.deepEqual([report, end], ['{"report":{"repair":true}}', '{"done":true}'])
    assert.match(String((await ask('POST', '/api/v1/fsck', {})).body), /"repair":false/)
    assert.equal((await ask('POST', '/api/v1/fsck', { repair: 1 })).status, 400)
    control.fail = new RegistryError('DENIED', { message: 'a check runs already' })
    assert.equal((await ask('POST', '/api/v1/fsck', {})).status, 403)
  })

  it('tells the status', async () => {
    assert.deepEqual((await ask('GET', '/api/v1/status')).json(), { peerId: '12D3' })
  })

  it('tells the history, a page at a time, and what is different in two roots', async () => {
    const log = await ask('GET', '/api/v1/log?limit=5000&before=7')
    assert.deepEqual(log.json(), {
      commits: [{ sequence: 7, time: '', root: 'bafy', changes: [] }],
    })
    assert.match(String((await ask('GET', '/api/v1/log?limit=5000')).body), /"sequence":1000/)
    for (const query of ['limit=-1', 'limit=x', 'before=', 'until=3'])
      assert.equal((await ask('GET', `/api/v1/log?${query}`)).status, 400, query)
    const diff = await ask('POST', '/api/v1/diff', { from: '1', to: '2' })
    assert.equal(String(diff.body), '{"kind":"tag","from":"1","to":"2"}\n{"done":true}\n')
    assert.equal((await ask('POST', '/api/v1/diff', { from: 'nowhere', to: '2' })).status, 403)
    assert.equal((await ask('POST', '/api/v1/diff', { from: '1' })).status, 400)
  })

  it('lists, exports and imports keys', async () => {
    assert.deepEqual((await ask('GET', '/api/v1/keys')).json(), {
      keys: [{ name: 'registry', id: 'k51registry' }],
    })
    const exported = await ask('POST', '/api/v1/keys/export', { name: 'registry' })
    assert.deepEqual([exported.status, [...exported.body]], [200, [1, 2, 3]])
    assert.equal(exported.headers['cache-control'], 'no-store')
    const key = Buffer.from([4, 5]).toString('base64')
    const imported = await ask('POST', '/api/v1/keys/import', { name: 'other', key })
    assert.deepEqual([imported.status, imported.json()], [201, { name: 'other', id: 'k51other' }])
    const taken = await ask('POST', '/api/v1/keys/import', { name: 'registry', key })
    assert.deepEqual([taken.status, taken.code()], [403, 'DENIED'])
    const replaced = { name: 'registry', key, replace: true }
    assert.equal((await ask('POST', '/api/v1/keys/import', replaced)).status, 201)
    assert.deepEqual([...(control.keys.get('registry') ?? [])], [4, 5])
    assert.equal((await ask('POST', '/api/v1/keys/export', { name: 'nope' })).status, 404)
  })

  it('takes a key over from another writer, and tells sequences as text: they may be over 2^53', async () => {
    const answer = await ask('POST', '/api/v1/keys/takeover', {})
    assert.deepEqual(answer.json(), { id: 'k51registry', above: '18446744073709551614' })
    control.fail = new RegistryError('DENIED', { message: 'no other writer was met' })
    const refused = await ask('POST', '/api/v1/keys/takeover', {})
    assert.deepEqual([refused.status, refused.code()], [403, 'DENIED'])
  })

  const wrong: [string, unknown, number][] = [
    ['/api/v1/keys/export', 'no json', 400],
    ['/api/v1/keys/export', {}, 400],
    ['/api/v1/keys/export', { name: 1 }, 400],
    ['/api/v1/keys/export', { name: 'a', nmae: 'b' }, 400],
    ['/api/v1/keys/export', '', 400],
    ['/api/v1/keys/import', { name: 'a', key: '%%%' }, 400],
    ['/api/v1/keys/import', { name: 'a', key: 'a'.repeat(70_000) }, 413],
    ['/api/v1/keys/takeover', { name: 'a' }, 400],
    ['/api/v1/export', { directory: '' }, 400],
    ['/api/v1/export', { directory: 'out' }, 400],
    ['/api/v1/export', { directory: './out' }, 400],
    ['/api/v1/export', { directory: '/full' }, 403],
  ]
  for (const [path, body, status] of wrong) {
    it(`answers ${status} to ${path} with ${JSON.stringify(body).slice(0, 40)}`, async () => {
      const answer = await ask('POST', path, body)
      assert.equal(answer.status, status)
      assert.notEqual(answer.code(), undefined)
    })
  }

  const linesOf = (text: Buffer) =>
    text
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)

  it('tells how an export goes on, line by line', async () => {
    const answer = await ask('POST', '/api/v1/export', { directory: '/out' })
    assert.deepEqual([answer.status, answer.headers['content-type']], [200, 'application/x-ndjson'])
    assert.deepEqual(linesOf(answer.body), [
      { files: 1, bytes: 10 },
      { files: 2, bytes: 30 },
      { done: true },
    ])
  })

  it('ends with the error when an export fails on its way', async () => {
    control.fail = Object.assign(new Error('/secret'), { code: 'ENOSPC' })
    const answer = await ask('POST', '/api/v1/export', { directory: '/out' })
    const last = linesOf(answer.body).at(-1) as { errors: { code: string }[] }
    assert.equal(last.errors[0]?.code, 'INSUFFICIENT_STORAGE')
    assert.ok(!answer.body.includes('/secret'))
  })

  it('logs what the daemon could not do, and not what the caller got wrong on the way', async () => {
    const full = Object.assign(new Error('full'), { code: 'ENOSPC' })
    for (const [fail, isLogged] of [
      [full, true],
      [new RegistryError('DENIED', { message: 'not there' }), false],
    ] as const) {
      control.fail = fail
      const { promise, resolve } = Promise.withResolvers<string>()
      onLog = resolve
      await ask('POST', '/api/v1/export', { directory: '/out' })
      assert.equal('err' in (JSON.parse(await promise) as object), isLogged)
    }
  })

  it('has none of the registry, and the registry none of it', async () => {
    assert.equal((await ask('GET', '/v2/')).status, 404)
  })
})
