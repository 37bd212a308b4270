import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { startApi } from '../support/http.ts'
import type { Abortable, Page } from '../../src/registry/ports.ts'
import type { TestApi } from '../support/http.ts'

const [DEBUG, INFO] = [20, 30]

describe('api: the request log', () => {
  let api: TestApi
  beforeEach(async () => {
    api = await startApi()
  })
  afterEach(() => api.close())

  const logged = async (count: number) => {
    while (api.lines.length < count) await new Promise((resolve) => void setImmediate(resolve))
    return api.lines
  }

  it('has one line for each request', async () => {
    const path = `/v2/a/blobs/${api.service.addBlob('a', Buffer.from('hello'))}`
    const answers = [
      await api.call('GET', path),
      await api.call('HEAD', path),
      await api.call('GET', path, { headers: { range: 'bytes=0-1' } }),
      await api.call('GET', '/v2/a/tags/list?n=x'),
      await api.call('GET', '/healthz'),
      await api.call('GET', '/readyz'),
    ]
    const lines = await logged(6)
    assert.deepEqual(
      lines.map(({ method, path: at, status, bytes, level }) => [method, at, status, bytes, level]),
      [
        ['GET', path, 200, 5, INFO],
        ['HEAD', path, 200, 0, INFO],
        ['GET', path, 206, 2, INFO],
        ['GET', '/v2/a/tags/list', 400, answers[3]?.body.length, INFO],
        ['GET', '/healthz', 200, answers[4]?.body.length, DEBUG],
        ['GET', '/readyz', 200, answers[5]?.body.length, DEBUG],
      ],
    )
    assert.deepEqual(
      lines.map(({ id }) => id),
      answers.map(({ headers }) => headers['x-request-id']),
    )
    for (const line of lines) assert.equal(typeof line['ms'], 'number')
  })

  it('takes no id from the client', async () => {
    const answer = await api.call('GET', '/v2/', { headers: { 'x-request-id': 'mine' } })
    assert.match(answer.headers['x-request-id'] as string, /^[0-9a-f-]{36}$/)
  })

  const waits: [string, (signal: AbortSignal) => Promise<void>][] = [
    [
      'rejects with the reason',
      (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        }),
    ],
    // Node's timers reject with an error of their own, whose cause is the reason.
    ['waits for a timer', (signal) => pause(60_000, undefined, { signal })],
  ]
  for (const [what, wait] of waits) {
    it(`says when the client went away, at what level that is, and that it is no error, of work that ${what}`, async () => {
      const entered = Promise.withResolvers<void>()
      api.service.listRepositories = async ({ signal }: Page & Abortable) => {
        entered.resolve()
        await wait(signal ?? assert.fail())
        return assert.fail()
      }
      const client = api.raw()
      client.write('GET /v2/_catalog HTTP/1.1\r\nHost: localhost\r\n\r\n')
      await entered.promise
      client.destroy()
      const [line] = await logged(1)
      assert.deepEqual([line?.['aborted'], line?.level], [true, INFO])
      assert.deepEqual([line?.['status'], line?.['err']], [undefined, undefined])
    })
  }
})
