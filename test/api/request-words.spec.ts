import assert from 'node:assert/strict'
import { join } from 'node:path'
import { pino } from 'pino'
import { createControlApp } from '../../src/api/control-app.ts'
import { listen } from '../../src/api/server.ts'
import { CONTROL } from '../support/access-world.ts'
import { call } from '../support/http.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { Listener } from '../../src/api/server.ts'

describe('api: what is wrong with a command’s request', () => {
  let server: Listener
  const stack = new AsyncDisposableStack()
  before(async () => {
    const directory = stack.use(await temporaryDirectory())
    const log = pino({ level: 'silent' })
    const app = createControlApp({
      control: CONTROL,
      status: () => ({}),
      readiness: () => ({ ready: true }),
      version: 'test',
      log,
    })
    server = await listen(app, { path: join(directory.path, 's'), log })
    stack.defer(() => server.close())
  })
  after(() => stack.disposeAsync())

  const ask = (path: string, body?: string) =>
    call({ socketPath: server.address }, body === undefined ? 'GET' : 'POST', `/api/v1/${path}`, {
      ...(body !== undefined && { body }),
    })

  const said: [path: string, body: string | undefined, message: string][] = [
    ['gc', '{"dryrun":true}', 'unknown key dryrun (did you mean dryRun)'],
    ['gc', '{"tidy":true}', 'unknown key tidy (there are dryRun, trustClock)'],
    ['fsck', '{"acceptloss":true}', 'unknown key acceptloss (did you mean acceptLoss)'],
    ['keys/takeover', '{"name":"a"}', 'unknown key name (there are none here)'],
    ['gc', '{"a b\\n":1}', 'unknown key "a b\\n" (there are dryRun, trustClock)'],
    ['rollback', '', 'root is missing'],
    ['rollback', '{}', 'root is missing'],
    ['rollback', '{"root":""}', 'root must not be empty'],
    ['rollback', '{"root":5}', 'root must be text'],
    ['rollback', `{"root":"${'a'.repeat(129)}"}`, 'root must not have more than 128 characters'],
    ['rollback', '{"root":"1","dryRun":null}', 'dryRun must be true or false'],
    ['diff', '{"to":1}', 'from is missing; to must be text'],
    ['fsck', '{"acceptLoss":true}', 'acceptLoss needs repair'],
    ['keys/import', '{"name":"a","key":"%"}', 'key must be base64'],
    ['export', '{"directory":"out"}', 'directory must be an absolute path'],
    ['gc', '[]', 'the request must be a JSON object, like {}'],
    ['gc', '{', 'the request is not JSON'],
    ['log?limit=few', undefined, 'limit must be a whole number'],
    ['log?until=3', undefined, 'unknown key until (there are limit, before)'],
  ]
  for (const [path, body, message] of said) {
    it(`${path} ${body?.slice(0, 40) ?? ''}: ${message}`, async () => {
      const answer = await ask(path, body)
      const { errors } = answer.json() as { errors: { message: string }[] }
      assert.deepEqual([answer.status, errors[0]?.message], [400, message])
    })
  }

  it('is told in bounds, however much is wrong', async () => {
    const keys = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`k${index}`, 1]))
    for (const body of [keys, { ['x'.repeat(60_000)]: 1 }]) {
      const answer = await ask('gc', JSON.stringify(body))
      assert.equal(answer.status, 400)
      assert.ok(answer.body.length < 1000)
    }
  })

  for (const path of ['gc', 'fsck', 'keys/takeover'])
    it(`${path} takes an empty request for {}`, async () => {
      const [empty, whole] = [await ask(path, ''), await ask(path, '{}')]
      assert.deepEqual([empty.status, String(empty.body)], [200, String(whole.body)])
    })
})
