import assert from 'node:assert/strict'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pino } from 'pino'
import { createControlApp } from '../../src/api/control-app.ts'
import { listen } from '../../src/api/server.ts'
import { RegistryError } from '../../src/oci/errors.ts'
import { call } from '../support/http.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { AuditEntry } from '../../src/api/audit.ts'
import type { Control } from '../../src/api/control-face.ts'
import type { Abortable } from '../../src/registry/ports.ts'

async function* one(value: object): AsyncGenerator<object> {
  yield value
}

const CONTROL: Control = {
  listKeys: async () => [],
  exportKey: async () => Buffer.from('the secret of the key'),
  importKey: async (name, _key, { replace }) => {
    if (!replace) throw new RegistryError('DENIED')
    return { name, id: 'k51' }
  },
  takeOver: async () => ({ id: 'k51', above: '1' }),
  commits: async () => [],
  diff: () => one({}),
  collect: () => one({ report: {} }),
  check: () => one({ report: {} }),
  rollback: (root) => one({ rolledBack: root }),
  exportTree: () => one({ files: 1, bytes: 1 }) as never,
}

/** The control socket, and what its audit log got. */
async function open(control: Control) {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await temporaryDirectory())
  const log = pino({ level: 'silent' })
  const entries: AuditEntry[] = []
  const written = Promise.withResolvers<AuditEntry>()
  const app = createControlApp({
    control,
    status: () => ({}),
    readiness: () => ({ ready: true }),
    version: 'test',
    log,
    audit: {
      pulls: false,
      write: async (entry) => {
        entries.push(entry)
        written.resolve(entry)
      },
    },
  })
  const server = await listen(app, { path: join(directory.path, 's'), log })
  stack.defer(() => server.close())
  const opened = stack.move()
  return {
    server,
    entries,
    first: written.promise,
    ask: (path: string, body: object) =>
      call({ socketPath: server.address }, 'POST', path, { body: JSON.stringify(body) }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

describe('api: the audit trail of the control socket', () => {
  it('has what changes or reveals the node, and not what is only tried', async () => {
    await using socket = await open(CONTROL)
    const { ask, entries } = socket
    const key = Buffer.from('another secret').toString('base64')
    await ask('/api/v1/keys/export', { name: 'registry' })
    await ask('/api/v1/keys/import', { name: 'other', key })
    await ask('/api/v1/keys/import', { name: 'other', key, replace: true })
    await ask('/api/v1/keys/takeover', {})
    for (const dryRun of [true, false]) {
      await ask('/api/v1/gc', { dryRun })
      await ask('/api/v1/fsck', { repair: !dryRun })
      await ask('/api/v1/rollback', { root: 'bafy', dryRun })
    }
    await ask('/api/v1/diff', { from: 'a', to: 'b' })
    await ask('/api/v1/export', { directory: '/somewhere' })
    assert.deepEqual(
      entries.map(({ action, wanted, key: name, root, status }) => [
        action,
        wanted ?? name ?? root,
        status,
      ]),
      [
        ['key-export', 'registry', 200],
        ['denied', 'key-import', 403],
        ['key-import', 'other', 201],
        ['key-takeover', undefined, 200],
        ['gc', undefined, 200],
        ['fsck-repair', undefined, 200],
        ['rollback', 'bafy', 200],
        ['export', undefined, 200],
      ],
    )
    assert.ok(entries.every(({ address }) => address === 'local'))
    assert.doesNotMatch(JSON.stringify(entries), new RegExp(`secret|${key}`))
  })

  it('has a command that had begun and failed, which may have changed something, and not one that was refused', async () => {
    const fails = (error: Error) =>
      async function* (): AsyncGenerator<object> {
        if (error.message !== '') throw error
        yield {}
      }
    const unreadable = new RegistryError('UNAVAILABLE', { message: 'cannot be read' })
    const running = new RegistryError('DENIED', { message: 'runs already' })
    const control = { ...CONTROL, collect: fails(unreadable), rollback: fails(unreadable) }
    await using socket = await open({ ...control, check: fails(running) })
    await socket.ask('/api/v1/gc', { dryRun: false })
    await socket.ask('/api/v1/gc', { dryRun: true })
    await socket.ask('/api/v1/rollback', { root: 'bafy' })
    await socket.ask('/api/v1/fsck', { repair: true })
    await socket.ask('/api/v1/log', {})
    assert.deepEqual(
      socket.entries.map(({ action, status }) => [action, status]),
      [
        ['gc', 503],
        ['rollback', 503],
        ['denied', 403],
      ],
    )
  })

  it('has a collection whose client left before it was told anything', async () => {
    const begun = Promise.withResolvers<void>()
    async function* collect({ signal }: Abortable): AsyncGenerator<object> {
      begun.resolve()
      await pause(60_000, undefined, { signal, ref: false })
      yield {}
    }
    await using socket = await open({ ...CONTROL, collect })
    const client = request({
      socketPath: socket.server.address,
      method: 'POST',
      path: '/api/v1/gc',
      headers: { host: 'localhost' },
    })
    client.on('error', () => undefined) // it is we who leave
    client.end('{}')
    await begun.promise
    client.destroy()
    const late = pause(5000, undefined, { ref: false }).then(() => assert.fail('there is no line'))
    const { action, status } = await Promise.race([socket.first, late])
    assert.deepEqual([action, status], ['gc', 499])
  })
})
