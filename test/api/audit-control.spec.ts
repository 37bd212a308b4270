import assert from 'node:assert/strict'
import { join } from 'node:path'
import { pino } from 'pino'
import { createControlApp } from '../../src/api/control-app.ts'
import { listen } from '../../src/api/server.ts'
import { RegistryError } from '../../src/oci/errors.ts'
import { call } from '../support/http.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { AuditEntry } from '../../src/api/audit.ts'
import type { Control } from '../../src/api/control-face.ts'

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

describe('api: the audit trail of the control socket', () => {
  it('has what changes or reveals the node, and not what is only tried', async () => {
    await using directory = await temporaryDirectory()
    const log = pino({ level: 'silent' })
    const entries: AuditEntry[] = []
    const app = createControlApp({
      control: CONTROL,
      status: () => ({}),
      readiness: () => ({ ready: true }),
      version: 'test',
      log,
      audit: { pulls: false, write: async (entry) => void entries.push(entry) },
    })
    const server = await listen(app, { path: join(directory.path, 's'), log })
    const ask = (path: string, body: object) =>
      call({ socketPath: server.address }, 'POST', path, { body: JSON.stringify(body) })
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
    await server.close()
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
})
