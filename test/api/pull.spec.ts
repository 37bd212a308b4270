import assert from 'node:assert/strict'
import { startApi } from '../support/http.ts'
import type { TestApi } from '../support/http.ts'

const TYPE = 'application/vnd.oci.image.manifest.v1+json'
const MANIFEST = JSON.stringify({ schemaVersion: 2, mediaType: TYPE })

describe('api: pulling', () => {
  let api: TestApi
  let blob: string
  let manifest: string
  before(async () => {
    api = await startApi()
    blob = `/v2/a/blobs/${api.service.addBlob('a', Buffer.from('hello'))}`
    const put = await api.call('PUT', '/v2/a/manifests/v1', { body: MANIFEST })
    manifest = put.headers.location!
  })
  after(() => api.close())

  it('says hello', async () => {
    const answer = await api.call('GET', '/v2/')
    assert.deepEqual([answer.status, answer.json()], [200, {}])
    assert.equal(answer.headers['docker-distribution-api-version'], 'registry/2.0')
    assert.equal((await api.call('GET', '/v2')).status, 200)
  })

  it('gives blobs and manifests with the headers that clients need', async () => {
    for (const [path, type, body] of [
      [blob, 'application/octet-stream', 'hello'],
      [manifest, TYPE, MANIFEST],
      ['/v2/a/manifests/v1', TYPE, MANIFEST],
    ] as const) {
      const { status, headers, body: got } = await api.call('GET', path)
      const digest = (path === blob ? blob : manifest).split('/').at(-1)
      assert.deepEqual([status, got.toString()], [200, body])
      assert.equal(headers['content-type'], type)
      assert.equal(headers['content-length'], String(body.length))
      assert.equal(headers['docker-content-digest'], digest)
      assert.equal(headers.etag, `"${digest}"`)
      assert.equal(headers['x-content-type-options'], 'nosniff')
    }
  })

  it('answers HEAD as GET, without the body', async () => {
    const paths = [blob, manifest, '/v2/', '/v2/a/tags/list', '/v2/_catalog', '/healthz']
    for (const path of paths) {
      const [get, head] = [await api.call('GET', path), await api.call('HEAD', path)]
      for (const { headers } of [get, head]) {
        delete headers['x-request-id']
        delete headers.date
      }
      assert.deepEqual([head.status, head.headers], [get.status, get.headers], path)
      assert.equal(head.body.length, 0)
    }
  })

  it('says 304 when the client has it', async () => {
    for (const path of [blob, manifest]) {
      const { etag = '' } = (await api.call('HEAD', path)).headers
      for (const [condition, status] of [
        [etag, 304],
        [`"x", W/${etag}`, 304],
        ['*', 304],
        ['"x"', 200],
      ] as const) {
        for (const method of ['GET', 'HEAD']) {
          const answer = await api.call(method, path, { headers: { 'if-none-match': condition } })
          assert.equal(answer.status, status, `${method} ${condition}`)
          if (status === 304) assert.equal(answer.body.length, 0)
          assert.equal(answer.headers.etag, etag)
        }
      }
    }
  })

  it('gives the stored type whatever Accept says, and never compresses', async () => {
    for (const accept of [
      'text/html',
      'application/vnd.docker.distribution.manifest.v2+json',
      '',
    ]) {
      const headers = { accept, 'accept-encoding': 'zstd,gzip,deflate' }
      const answer = await api.call('GET', manifest, { headers })
      assert.deepEqual([answer.status, answer.headers['content-type']], [200, TYPE])
      assert.equal(answer.headers['content-encoding'], undefined)
    }
  })

  it('gives an empty blob', async () => {
    const path = `/v2/a/blobs/${api.service.addBlob('a', Buffer.alloc(0))}`
    const answer = await api.call('GET', path)
    assert.deepEqual([answer.status, answer.headers['content-length']], [200, '0'])
  })

  it('gives large blobs whole', async () => {
    const bytes = Buffer.alloc(5_000_001, 'heliport')
    const path = `/v2/a/blobs/${api.service.addBlob('a', bytes)}`
    assert.ok((await api.call('GET', path)).body.equals(bytes))
  })

  it('says what is unknown', async () => {
    const digest = `sha256:${'0'.repeat(64)}`
    for (const [path, code] of [
      [`/v2/a/blobs/${digest}`, 'BLOB_UNKNOWN'],
      [`/v2/b/blobs/${digest}`, 'BLOB_UNKNOWN'],
      [`/v2/a/manifests/${digest}`, 'MANIFEST_UNKNOWN'],
      ['/v2/a/manifests/nope', 'MANIFEST_UNKNOWN'],
      ['/v2/nope/tags/list', 'NAME_UNKNOWN'],
    ] as const) {
      const answer = await api.call('GET', path)
      assert.deepEqual([answer.status, answer.code()], [404, code])
      assert.equal((await api.call('HEAD', path)).status, 404)
    }
  })
})
