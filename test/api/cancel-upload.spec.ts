import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { startApi } from '../support/http.ts'
import { createRegistry } from '../support/registry-setup.ts'
import type { TestApi } from '../support/http.ts'

const START = '/v2/a/blobs/uploads/'
const DIGEST = digestOf(Buffer.from('hello'))
const HOST = 'Host: localhost\r\n'

describe('api: an upload that is cancelled while it is sent (end-14)', () => {
  let api: TestApi
  let setup: Awaited<ReturnType<typeof createRegistry>>
  let location: string
  beforeEach(async () => {
    setup = await createRegistry({ maxSessions: 2 })
    api = await startApi({ service: setup.service, limits: { blob: 1e6 } })
    location = (await api.call('POST', START)).headers.location!
  })
  afterEach(() => api.close())

  /** Begins to send, until some of it has arrived. */
  async function send(method: string, target: string, head: string, body = 'hel') {
    const client = api.raw()
    client.write(`${method} ${target} HTTP/1.1\r\n${HOST}${head}\r\n\r\n${body}`)
    while ((await api.call('GET', location)).headers.range !== '0-2');
    return client
  }
  const bodies = {
    'of a known length': ['Content-Length: 900000', 'hel'],
    'that is short': ['Content-Length: 10', 'hel'],
    'without a length': ['Transfer-Encoding: chunked', '3\r\nhel\r\n'],
  } as const
  for (const [what, [head, body]] of Object.entries(bodies))
    for (const [method, query] of [
      ['PATCH', ''],
      ['PUT', `?digest=${DIGEST}`],
    ] as const) {
      it(`ends, and its ${method} is told so: a body ${what}`, async () => {
        const client = await send(method, `${location}${query}`, head, body)
        const cancelled = await api.call('DELETE', location)
        assert.deepEqual([cancelled.status, cancelled.body.length], [204, 0])
        assert.deepEqual(await setup.uploadStore.list(), [])
        const answer = await client.until(/\r\n\r\n/)
        assert.match(answer, /^HTTP\/1\.1 404 [^]*BLOB_UPLOAD_UNKNOWN/)
        client.destroy()
        assert.equal((await api.call('GET', location)).status, 404)
        assert.equal((await api.call('HEAD', `/v2/a/blobs/${DIGEST}`)).status, 404)
      })
    }

  it('leaves its connection in order, when little of the body is left', async () => {
    const client = await send('PATCH', location, 'Content-Length: 10')
    assert.equal((await api.call('DELETE', location)).status, 204)
    await client.until(/BLOB_UPLOAD_UNKNOWN/)
    client.write('1234567').write(`GET /healthz HTTP/1.1\r\n${HOST}\r\n`)
    assert.match(await client.until(/HTTP\/1\.1 200 /), /404 [^]*200 /)
    client.destroy()
  })

  it('ends just the same when its client has cut the PATCH and cancels at once', async () => {
    for (let round = 0; round < 20; round++) {
      const { headers } = await api.call('POST', START)
      location = headers.location!
      const client = await send('PATCH', location, 'Content-Length: 900000')
      client.destroy()
      assert.equal((await api.call('DELETE', location)).status, 204)
    }
  })

  it('is 204 to one and 204 or 404 to the other who cancels it at the same time', async () => {
    const client = await send('PATCH', location, 'Content-Length: 900000')
    const answers = await Promise.all([1, 2].map(() => api.call('DELETE', location)))
    const statuses = answers.map(({ status }) => status)
    assert.ok(statuses.includes(204), statuses.join())
    for (const status of statuses) assert.ok(status === 204 || status === 404, `${status}`)
    client.destroy()
  })
})
