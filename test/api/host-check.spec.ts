import assert from 'node:assert/strict'
import { hostCheck } from '../../src/api/host-check.ts'
import { startApi } from '../support/http.ts'
import type { TestApi } from '../support/http.ts'

describe('api: which hosts and pages may call', () => {
  let api: TestApi
  before(async () => {
    api = await startApi({ hosts: ['registry.example', 'ported.example:5000'] })
  })
  after(() => api.close())

  const hosts: [string, number][] = [
    ['localhost', 200],
    ['localhost:5000', 200],
    ['LOCALHOST.', 200],
    ['heliport.localhost:80', 200],
    ['127.0.0.1:5000', 200],
    ['192.168.1.4', 200],
    ['[::1]:5000', 200],
    ['[2001:db8::1]', 200],
    ['registry.example', 200],
    ['Registry.Example:443', 200],
    ['ported.example:5000', 200],
    ['ported.example', 403],
    ['ported.example:5001', 403],
    ['evil.example', 403],
    ['sub.registry.example', 403],
    ['localhost.evil.example', 403],
    ['notlocalhost', 403],
    ['127.0.0.1.evil.example', 403],
    ['127.1', 403],
    ['0x7f000001', 403],
    ['a@localhost', 400],
    ['localhost:5000@evil', 400],
    ['localhost evil', 400],
    ['localhost/evil', 400],
    ['[::1', 400],
    ['[localhost]', 400],
    ['localhost:999999', 400],
    ['.', 400],
  ]
  for (const [host, status] of hosts) {
    it(`answers ${status} to Host: ${host}`, async () => {
      for (const path of ['/v2/', '/healthz', '/api/v1/status', '/nothing']) {
        const answer = await api.call('GET', path, { headers: { host } })
        assert.equal(answer.status, status === 200 && path === '/nothing' ? 404 : status, path)
        if (status === 403) assert.equal(answer.code(), 'DENIED')
      }
    })
  }

  const raw: [string, string, number][] = [
    ['an empty Host', 'GET /v2/ HTTP/1.1\r\nHost:\r\n', 400],
    ['no Host', 'GET /v2/ HTTP/1.1\r\n', 400],
    ['no Host in HTTP/1.0', 'GET /v2/ HTTP/1.0\r\n', 400],
    ['two Hosts', 'GET /v2/ HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n', 400],
    [
      'a target that names another host',
      'GET http://evil.example/v2/ HTTP/1.1\r\nHost: localhost\r\n',
      400,
    ],
    [
      'a target that names the same host',
      'GET http://localhost/v2/ HTTP/1.1\r\nHost: localhost\r\n',
      200,
    ],
  ]
  for (const [what, head, status] of raw) {
    it(`answers ${status} to ${what}`, async () => {
      const client = api.raw()
      client.write(`${head}Connection: close\r\n\r\n`)
      assert.match(await client.closed(), new RegExp(`^HTTP/1\\.1 ${status} `))
    })
  }

  const pages: [string, string, Record<string, string>, number][] = [
    ['POST', 'its own page', { host: 'localhost:5000', origin: 'http://localhost:5000' }, 202],
    [
      'POST',
      'its own page behind TLS',
      { host: 'registry.example', origin: 'https://registry.example' },
      202,
    ],
    [
      'POST',
      'a page with the port spelled out',
      { host: 'registry.example:443', origin: 'https://registry.example' },
      202,
    ],
    ['POST', 'another page', { host: 'localhost:5000', origin: 'http://evil.example' }, 403],
    ['POST', 'another port', { host: 'localhost:5000', origin: 'http://localhost:3000' }, 403],
    ['POST', 'a sandboxed page', { host: 'localhost:5000', origin: 'null' }, 403],
    ['POST', 'an extension', { host: 'localhost', origin: 'moz-extension://localhost' }, 403],
    ['POST', 'a look-alike', { host: 'localhost', origin: 'http://localhost@evil.example' }, 403],
    ['POST', 'another site', { host: 'localhost', 'sec-fetch-site': 'cross-site' }, 403],
    [
      'GET',
      'an image on another page',
      { host: 'localhost', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
      403,
    ],
    [
      'GET',
      'a link on another page',
      { host: 'localhost', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      200,
    ],
    [
      'POST',
      'a form on another page',
      { host: 'localhost', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      403,
    ],
    [
      'GET',
      'an address typed in',
      { host: 'localhost', 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' },
      200,
    ],
  ]
  for (const [method, what, headers, status] of pages) {
    it(`answers ${status} to a ${method} from ${what}`, async () => {
      const before = api.service.uploads.sessions.size
      const path = method === 'POST' ? '/v2/a/blobs/uploads/' : '/v2/'
      assert.equal((await api.call(method, path, { headers })).status, status)
      assert.equal(api.service.uploads.sessions.size - before, status === 202 ? 1 : 0)
    })
  }

  it('believes no proxy header', async () => {
    for (const header of [
      'x-forwarded-host',
      'x-forwarded-proto',
      'x-forwarded-for',
      'forwarded',
    ]) {
      const headers = { host: 'evil.example', [header]: 'localhost' }
      assert.equal((await api.call('GET', '/v2/', { headers })).status, 403)
      const hostile = { [header]: `${'a,'.repeat(3000)}${' '.repeat(3000)}//evil` }
      const answer = await api.call('POST', '/v2/a/blobs/uploads/', { headers: hostile })
      assert.match(answer.headers.location!, /^\/v2\/a\/blobs\/uploads\/[0-9a-f-]+$/)
    }
  })

  it('says which configured name is none', () => {
    assert.throws(() => hostCheck(['http://x'], { isOpen: true }), /http\.hosts.*http:\/\/x/)
  })
})
