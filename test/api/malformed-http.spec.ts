import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { startApi } from '../support/http.ts'
import type { Abortable, Page } from '../../src/registry/ports.ts'
import type { TestApi } from '../support/http.ts'

const SECOND = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
const HEAD = 'POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: localhost\r\n'

/** What is sent, with a second request behind it that must not be answered. */
const CASES: [string, string, number][] = [
  [
    'both ways to tell a length',
    `${HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['two lengths', `${HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`, 400],
  ['a length that is none', `${HEAD}Content-Length: +5\r\n\r\nhello`, 400],
  ['a folded header', `${HEAD}X-A: 1\r\n 2\r\n\r\n`, 400],
  ['a bare line feed', 'GET /v2/ HTTP/1.1\nHost: localhost\n\n', 400],
  ['a space before the colon', `${HEAD}X-A : 1\r\n\r\n`, 400],
  ['a NUL in a header', `${HEAD}X-A: a\0b\r\n\r\n`, 400],
  ['a header of 20 KB', `${HEAD}X-A: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
  ['an address of 20 KB', `GET /v2/${'a'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
  [
    '10,000 headers',
    `${HEAD}${Array.from({ length: 10_000 }, (_, i) => `X-${i}: a\r\n`).join('')}\r\n`,
    431,
  ],
  ['something that is no HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ['an unknown method', 'BREW /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
]

describe('api: what is not HTTP', () => {
  let api: TestApi
  beforeEach(async () => {
    api = await startApi()
  })
  afterEach(() => api.close())

  for (const [what, bytes, status] of CASES) {
    it(`answers ${status} to ${what}, and reads no further`, async () => {
      const client = api.raw()
      client.write(Buffer.from(bytes + SECOND, 'latin1'))
      const received = await client.closed()
      const answers = received.match(/HTTP\/1\.1 \d+/g) ?? []
      assert.deepEqual(answers, [`HTTP/1.1 ${status}`])
      assert.match(received, /"errors":\[\{"code":"UNSUPPORTED"/)
      assert.match(received, /Content-Type: application\/json\r\n/)
      const [, id] = /X-Request-Id: ([0-9a-f-]{36})\r\n/.exec(received) ?? []
      const line = api.lines.find((each) => each['id'] === id)
      assert.deepEqual(
        [line?.msg, line?.['status'], line?.['address']],
        ['no request', status, '127.0.0.1'],
      )
      assert.ok(!received.includes('"status":"ok"'))
    })
  }

  it('answers 400 to a bad chunk size, once', async () => {
    const client = api.raw()
    client.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\nxyz\r\n${SECOND}`)
    const received = await client.closed()
    assert.ok(!received.includes('"status":"ok"'))
    assert.ok((received.match(/HTTP\/1\.1 /g) ?? []).length <= 1)
  })

  it('closes on CONNECT', async () => {
    const client = api.raw()
    client.write('CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n')
    assert.equal(await client.closed(), '')
  })

  it('serves HTTP when asked to upgrade', async () => {
    const client = api.raw()
    client.write(
      'GET /v2/ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n',
    )
    assert.match(await client.until(/\{\}$/), /^HTTP\/1\.1 200 /)
  })

  it('answers a thousand requests that were sent at once, in order', async () => {
    const client = api.raw()
    const requests = Array.from(
      { length: 1000 },
      (_, i) => `GET /v2/r${i}/tags/list HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    )
    client.write(requests.join(''))
    client.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    const received = await client.closed()
    assert.equal(received.match(/HTTP\/1\.1 404 /g)?.length, 1000)
    assert.match(received, /"status":"ok"/)
  })

  it('handles requests that were sent at once one after the other, and forgets them with their client', async () => {
    let begun = 0
    const gone = Promise.withResolvers<void>()
    api.service.listRepositories = async ({ signal }: Page & Abortable) => {
      begun += 1
      const { promise, reject } = Promise.withResolvers<never>()
      signal?.addEventListener('abort', () => {
        reject(signal.reason as Error)
        gone.resolve()
      })
      return promise
    }
    const client = api.raw()
    client.write('GET /v2/_catalog HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(200))
    while (begun === 0) await new Promise((resolve) => void setImmediate(resolve))
    client.destroy()
    await gone.promise
    assert.equal((await api.call('GET', '/v2/')).status, 200)
    assert.equal(begun, 1)
  })

  it('closes a connection that sends thousands of requests without reading an answer', async () => {
    const held = Promise.withResolvers<never>()
    api.service.listRepositories = () => held.promise
    const client = api.raw()
    client.write('GET /v2/_catalog HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(10_000))
    assert.equal(await client.closed(), '')
    assert.equal((await api.call('GET', '/v2/')).status, 200)
    held.reject(new Error('over'))
  })

  it('survives clients that leave in the middle of their headers', async () => {
    for (let i = 1; i < 40; i++) {
      const client = api.raw()
      client.write(SECOND.slice(0, i))
      client.destroy()
    }
    assert.equal((await api.call('GET', '/v2/')).status, 200)
  })
})

describe('api: request bodies that are not wanted', () => {
  let api: TestApi
  beforeEach(async () => {
    api = await startApi({ limits: { blob: 1000 } })
  })
  afterEach(() => api.close())

  for (const encoding of ['gzip', 'deflate', 'zstd', 'br', 'gzip, identity', 'x']) {
    it(`refuses a body in ${encoding}`, async () => {
      const headers = { 'content-encoding': encoding }
      for (const [method, path] of [
        ['PUT', '/v2/a/manifests/v1'],
        ['POST', '/v2/a/blobs/uploads/'],
        ['PATCH', '/v2/a/blobs/uploads/x'],
      ] as const) {
        const answer = await api.call(method, path, { headers, body: '{}' })
        assert.deepEqual([answer.status, answer.code()], [415, 'UNSUPPORTED'])
      }
      assert.equal(api.service.uploads.sessions.size, 0)
    })
  }

  it('takes a body whose encoding is none', async () => {
    const headers = { 'content-encoding': 'Identity' }
    const body = '{"mediaType":"application/x"}'
    assert.equal((await api.call('PUT', '/v2/a/manifests/v1', { headers, body })).status, 201)
  })

  it('refuses a coded transfer', async () => {
    const client = api.raw()
    client.write(
      'PUT /v2/a/manifests/v1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    )
    assert.match(await client.until(/"errors"/), /^HTTP\/1\.1 415 /)
  })

  const EXPECT = 'Host: localhost\r\nExpect: 100-continue\r\n'
  it('asks for a body only when it will read it', async () => {
    const { headers } = await api.call('POST', '/v2/a/blobs/uploads/')
    const client = api.raw()
    client.write(`PATCH ${headers.location} HTTP/1.1\r\n${EXPECT}Content-Length: 5\r\n\r\n`)
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/)
    client.write('hello')
    await client.until(/HTTP\/1\.1 202 /)
  })

  const refused: [string, string, number][] = [
    [
      'a manifest that is too large',
      'PUT /v2/a/manifests/v1 HTTP/1.1\r\nContent-Length: 4194305',
      413,
    ],
    [
      'a blob that is too large',
      `POST /v2/a/blobs/uploads/?digest=${digestOf(Buffer.alloc(0))} HTTP/1.1\r\nContent-Length: 1001`,
      413,
    ],
    ['an unknown session', 'PATCH /v2/a/blobs/uploads/x HTTP/1.1\r\nContent-Length: 5', 404],
    ['a bad name', 'PUT /v2/A/manifests/v1 HTTP/1.1\r\nContent-Length: 5', 400],
    ['no route', 'PUT /nope HTTP/1.1\r\nContent-Length: 5', 404],
  ]
  for (const [what, head, status] of refused) {
    it(`answers ${status} to ${what} without asking for the body, and closes`, async () => {
      const client = api.raw()
      client.write(`${head}\r\n${EXPECT}\r\n`)
      assert.match(await client.closed(), new RegExp(`^HTTP/1\\.1 ${status} `))
    })
  }

  it('answers and closes when a body goes on that nobody reads', async () => {
    const client = api.raw()
    client.write(
      'DELETE /v2/a/manifests/v1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n',
    )
    const chunk = Buffer.from(`10000\r\n${'x'.repeat(65_536)}\r\n`)
    client.socket.on('drain', () => client.write(chunk))
    for (let i = 0; i < 200 && !client.socket.destroyed; i++) client.write(chunk)
    assert.match(await client.closed(), /^HTTP\/1\.1 404 [^]*MANIFEST_UNKNOWN/)
  })

  it('closes after content was sent to a request whose body goes on', async () => {
    const path = `/v2/a/blobs/${api.service.addBlob('a', Buffer.from('content'))}`
    const client = api.raw()
    const head = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`
    client.write(`${head}5\r\nhello\r\n`)
    assert.match(await client.closed(), /^HTTP\/1\.1 200 [^]*content$/)
  })

  it('goes on with the connection after a small body that nobody reads', async () => {
    const client = api.raw()
    client.write('GET /v2/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n')
    await client.until(/\{\}/)
    client.write(`${'x'.repeat(1000)}GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    await client.until(/"status":"ok"/)
  })

  it('goes on with the connection after a small body that was refused half read', async () => {
    const { headers } = await api.call('POST', '/v2/a/blobs/uploads/')
    const client = api.raw()
    client.write(
      `PATCH ${headers.location} HTTP/1.1\r\nHost: localhost\r\nContent-Range: 7-11\r\nContent-Length: 5\r\n\r\nhe`,
    )
    await client.until(/RANGE_INVALID/)
    client.write('lloGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await client.until(/"status":"ok"/)
  })
})
