import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { call, startApi } from '../support/http.ts'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestApi } from '../support/http.ts'

/** A proxy that does what docs/limits.md has nginx do. */
async function startProxy(port: number): Promise<Server> {
  const proxy = createServer((req, res) => {
    const before = req.headers['x-forwarded-for']
    const headers = {
      ...req.headers,
      'x-forwarded-host': req.headers.host,
      'x-forwarded-proto': 'https',
      'x-forwarded-for': `${before === undefined ? '' : `${String(before)}, `}192.0.2.9`,
    }
    const { method, url: path } = req
    const onward = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      void pipeline(answer, res)
    })
    void pipeline(req, onward)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return proxy
}

const FULL = { version: 'test', peerId: 'secret' }

describe('api: behind a proxy', () => {
  let api: TestApi
  let proxy: Server
  let port: number
  beforeEach(async () => {
    api = await startApi({
      status: () => FULL,
      hosts: ['registry.example.com'],
      trustProxy: [{ address: '127.0.0.1', prefix: 32 }],
      clientLimits: {
        exempt: [{ address: '127.0.0.0', prefix: 8 }],
        address: {
          requests: 0.001,
          burst: 3,
          openUploads: null,
          downloadRate: null,
          uploadRate: null,
        },
        user: { requests: null, burst: 1, openUploads: null, downloadRate: null, uploadRate: null },
      },
    })
    proxy = await startProxy(api.port)
    ;({ port } = proxy.address() as AddressInfo)
  })
  afterEach(async () => {
    proxy.closeAllConnections()
    proxy.close()
    await api.close()
  })

  it('shows the status in full to who is on this machine, and not to who comes through a proxy', async () => {
    const status = async (to: number, headers = {}) =>
      (await call({ port: to }, 'GET', '/api/v1/status', { headers })).json()
    const brief = { version: 'test' }
    assert.deepEqual(await status(api.port), FULL)
    assert.deepEqual(await status(port), brief)
    assert.deepEqual(await status(api.port, { 'x-forwarded-for': '127.0.0.1' }), brief)
  })

  it('is where a proxy says so whom nobody listed', async () => {
    const other = await startApi({ status: () => FULL })
    try {
      for (const header of ['x-forwarded-for', 'x-real-ip', 'forwarded', 'via']) {
        const answer = await other.call('GET', '/api/v1/status', { headers: { [header]: 'x' } })
        assert.deepEqual(answer.json(), { version: 'test' }, header)
      }
      assert.deepEqual((await other.call('GET', '/api/v1/status')).json(), FULL)
    } finally {
      await other.close()
    }
  })

  const host = 'registry.example.com'

  it('a push goes through, with places that are relative', async () => {
    const bytes = Buffer.alloc(200_000, 'x')
    const digest = api.service.addBlob('other', bytes)
    const begun = await call({ port }, 'POST', '/v2/a/blobs/uploads/', { headers: { host } })
    assert.match(begun.headers.location ?? '', /^\/v2\/a\//)
    const path = `${begun.headers.location}?digest=${digest}`
    const put = await call({ port }, 'PUT', path, { headers: { host }, body: bytes })
    assert.equal(put.status, 201)
    assert.deepEqual(new Set(api.lines.map((line) => line['address'])), new Set(['192.0.2.9']))
  })

  it('the client is limited, whoever it claims to be, and the proxy is not', async () => {
    const statuses = []
    for (const lie of ['127.0.0.1', '10.1.1.1', '::1', 'x'])
      statuses.push(
        (await call({ port }, 'GET', '/v2/', { headers: { host, 'x-forwarded-for': lie } })).status,
      )
    assert.deepEqual(statuses, [200, 200, 200, 429])
    assert.equal((await api.call('GET', '/v2/')).status, 200)
  })

  it('a name that is not listed is refused, as without it', async () => {
    const answer = await call({ port }, 'GET', '/v2/', { headers: { host: 'evil.example' } })
    assert.equal(answer.status, 403)
  })
})
