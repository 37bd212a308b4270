import assert from 'node:assert/strict'
import { toRegistryError } from '../../src/api/errors.ts'
import { RegistryError } from '../../src/oci/errors.ts'
import { startApi } from '../support/http.ts'
import type { ErrorCode } from '../../src/oci/errors.ts'
import type { TestApi } from '../support/http.ts'

const SECRET = '/home/someone/data/blocks'
const DIGEST = `sha256:${'0'.repeat(64)}`

const system = (code: string) => Object.assign(new Error(`${code}: open '${SECRET}'`), { code })
const named = (name: string) => Object.assign(new Error(`block at ${SECRET}`), { name })

const CASES: [string, unknown, number, ErrorCode][] = [
  ['ENOSPC', system('ENOSPC'), 507, 'INSUFFICIENT_STORAGE'],
  ['EDQUOT', system('EDQUOT'), 507, 'INSUFFICIENT_STORAGE'],
  ['a wrapped ENOSPC', new Error(SECRET, { cause: system('ENOSPC') }), 507, 'INSUFFICIENT_STORAGE'],
  ...['EMFILE', 'ENFILE', 'EIO', 'EROFS', 'EACCES'].map(
    (code) => [code, system(code), 503, 'UNAVAILABLE'] as [string, Error, number, ErrorCode],
  ),
  ['a damaged block', named('DamagedBlockError'), 503, 'UNAVAILABLE'],
  ['a missing block', new Error(SECRET, { cause: named('MissingBlockError') }), 503, 'UNAVAILABLE'],
  ['a timeout', new DOMException(SECRET, 'TimeoutError'), 503, 'UNAVAILABLE'],
  ['work given up by us', new DOMException(SECRET, 'AbortError'), 503, 'UNAVAILABLE'],
  ['a bug', new TypeError(`x is undefined ${SECRET}`), 500, 'UNKNOWN'],
  ['something that is no error', SECRET, 500, 'UNKNOWN'],
  ['nothing at all', undefined, 500, 'UNKNOWN'],
  ['a registry error', new RegistryError('DENIED', { cause: system('EIO') }), 403, 'DENIED'],
]

describe('api: error bodies', () => {
  let api: TestApi
  beforeEach(async () => {
    api = await startApi()
  })
  afterEach(() => api.close())

  for (const [what, error, status, code] of CASES) {
    it(`answers ${status} ${code} to ${what}, and keeps the cause for the log`, async () => {
      // Anything can be thrown, also what is no Error.
      const { promise, reject } = Promise.withResolvers<never>()
      promise.catch(() => undefined)
      reject(error)
      api.service.getBlob = () => promise
      const answer = await api.call('GET', `/v2/a/blobs/${DIGEST}`)
      assert.deepEqual([answer.status, answer.code()], [status, code])
      assert.equal(answer.headers['content-type'], 'application/json')
      assert.equal(answer.headers['retry-after'], status === 503 ? '5' : undefined)
      assert.ok(!answer.body.includes(SECRET))
      assert.ok(!answer.body.includes('.ts:'))
      const head = await api.call('HEAD', `/v2/a/blobs/${DIGEST}`)
      assert.deepEqual([head.status, head.body.length], [status, 0])
      const line = api.lines.find((entry) => entry['status'] === status)
      assert.equal(line?.['err'] !== undefined, status >= 500 && error !== undefined)
    })
  }

  it('names the request in the body, the header and the log', async () => {
    api.service.getBlob = () => Promise.reject(new Error('bug'))
    const answer = await api.call('GET', `/v2/a/blobs/${DIGEST}`)
    const id = answer.headers['x-request-id']
    const { errors } = answer.json() as { errors: { detail: unknown }[] }
    assert.deepEqual(errors[0]?.detail, { requestId: id })
    assert.equal(api.lines.at(-1)?.['id'], id)
  })

  it('hands on message, detail and headers of a registry error, and no headers of the answer it replaces', async () => {
    const { getManifest } = api.service
    api.service.getManifest = async (...args) => {
      await getManifest.apply(api.service, args).catch(() => undefined)
      throw new RegistryError('TOOMANYREQUESTS', {
        message: 'slowly',
        detail: { limit: 1 },
        headers: { 'Retry-After': '60' },
      })
    }
    const answer = await api.call('GET', '/v2/a/manifests/v1')
    assert.deepEqual([answer.status, answer.headers['retry-after']], [429, '60'])
    assert.deepEqual(answer.json(), {
      errors: [{ code: 'TOOMANYREQUESTS', message: 'slowly', detail: { limit: 1 } }],
    })
    assert.equal(answer.headers.etag, undefined)
  })

  it('reads chains of causes that end in themselves', () => {
    const error = new Error('a')
    error.cause = error
    assert.equal(toRegistryError(error, 'id').code, 'UNKNOWN')
  })

  const methods: [string, string, string][] = [
    ['PUT', '/v2/', 'GET, HEAD'],
    ['TRACE', '/v2/', 'GET, HEAD'],
    ['PROPFIND', '/v2/a/manifests/v1', 'DELETE, GET, HEAD, PUT'],
    ['OPTIONS', '/v2/_catalog', 'GET, HEAD'],
    ['POST', '/v2/a/tags/list', 'GET, HEAD'],
    ['PUT', `/v2/a/blobs/${DIGEST}`, 'DELETE, GET, HEAD'],
    ['POST', '/v2/a/blobs/uploads/x', 'DELETE, GET, HEAD, PATCH, PUT'],
    ['DELETE', '/healthz', 'GET, HEAD'],
  ]
  for (const [method, path, allow] of methods) {
    it(`answers 405 to ${method} ${path.slice(0, 30)}`, async () => {
      const answer = await api.call(method, path)
      assert.deepEqual([answer.status, answer.code()], [405, 'UNSUPPORTED'])
      assert.equal(answer.headers.allow, allow)
    })
  }

  it('answers 404 where it has nothing, and redirects nowhere', async () => {
    for (const path of [
      '/',
      '/v1/',
      '/v2/a',
      '/v2//evil.example/%2f..',
      '//evil.example/%2e%2e',
      '/v2/a/manifests',
      '/?next=//evil.example',
      '/favicon.ico',
    ]) {
      const answer = await api.call('GET', path)
      assert.deepEqual([answer.status, answer.code()], [404, 'UNSUPPORTED'], path)
      assert.equal(answer.headers.location, undefined)
      assert.equal(answer.headers['x-content-type-options'], 'nosniff')
    }
  })
})

describe('api: health', () => {
  it('tells that it lives, whether it can serve, and its status', async () => {
    let reason: string | undefined = 'the tree is damaged'
    const api = await startApi({
      readiness: () => (reason === undefined ? { ready: true } : { ready: false, reason }),
      status: async () => ({ peerId: '12D3' }),
    })
    try {
      assert.deepEqual((await api.call('GET', '/healthz')).json(), {
        status: 'ok',
        version: 'test',
      })
      const unready = await api.call('GET', '/readyz')
      assert.deepEqual([unready.status, unready.code()], [503, 'UNAVAILABLE'])
      assert.equal(unready.headers['retry-after'], '5')
      reason = undefined
      assert.equal((await api.call('GET', '/readyz')).status, 200)
      assert.deepEqual((await api.call('GET', '/api/v1/status')).json(), { peerId: '12D3' })
    } finally {
      await api.close()
    }
  })
})
