import assert from 'node:assert/strict'
import { startApi } from '../support/http.ts'
import { digestOf } from '../../src/oci/digest.ts'
import type { TestApi } from '../support/http.ts'

const MANIFEST = JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.test+json' })
const HEX = digestOf(Buffer.from('x')).slice(7)

describe('api: names, references and digests in a path', () => {
  let api: TestApi
  before(async () => {
    api = await startApi()
  })
  after(() => api.close())

  const badNames = [
    '..',
    'a/../b',
    '%2e%2e%2f',
    'a/%2e%2e/b',
    '%252e%252e%252f',
    'a%00b',
    '%00',
    '%zz',
    'a%',
    '%C0%AE%C0%AE',
    'A',
    'a//b',
    'a__-b',
    '-a',
    'a-',
    'a'.repeat(256),
    '%D0%B0',
    '__proto__',
    '_catalog',
    'a%5Cb',
    'a%0d%0aX-Injected:%201',
  ]
  for (const name of badNames) {
    it(`refuses the name ${name.slice(0, 30)}`, async () => {
      for (const [method, path] of [
        ['GET', `/v2/${name}/manifests/v1`],
        ['PUT', `/v2/${name}/manifests/v1`],
        ['GET', `/v2/${name}/tags/list`],
        ['POST', `/v2/${name}/blobs/uploads/`],
      ] as const) {
        const answer = await api.call(method, path, method === 'PUT' ? { body: MANIFEST } : {})
        assert.deepEqual([answer.status, answer.code()], [400, 'NAME_INVALID'], `${method} ${path}`)
        assert.equal(answer.headers['x-injected'], undefined)
      }
      assert.equal(api.service.repositories.has(name), false)
    })
  }

  const awkwardNames = [
    'constructor',
    'blobs/uploads',
    'x/manifests/y',
    'tags/list',
    'a/referrers/b',
    'v2',
    'a/b/c/d/e/f',
    'x/blobs/uploads/y',
    'manifests',
    'a%2Fb',
  ]
  for (const name of awkwardNames) {
    it(`serves a repository that is called ${name}`, async () => {
      const put = await api.call('PUT', `/v2/${name}/manifests/v1`, { body: MANIFEST })
      assert.equal(put.status, 201)
      const get = await api.call('GET', `/v2/${name}/manifests/v1`)
      assert.equal(get.body.toString(), MANIFEST)
      const tags = await api.call('GET', `/v2/${name}/tags/list`)
      assert.deepEqual(tags.json(), { name: decodeURIComponent(name), tags: ['v1'] })
      const digest = api.service.addBlob(decodeURIComponent(name), Buffer.from(name))
      assert.equal((await api.call('GET', `/v2/${name}/blobs/${digest}`)).body.toString(), name)
      const upload = await api.call('POST', `/v2/${name}/blobs/uploads/`)
      assert.equal(upload.status, 202)
      assert.equal((await api.call('GET', upload.headers.location!)).status, 204)
    })
  }

  const badDigests = [
    `sha256:${HEX.slice(1)}`,
    `sha256:${HEX}0`,
    `sha256:${HEX.toUpperCase()}`,
    'sha256:..%2f..%2fx',
    `md5:${HEX.slice(32)}`,
    'sha256:',
    'a:b:c',
    `__proto__:${HEX}`,
    `sha256:${'a'.repeat(10_000)}`,
  ]
  for (const digest of badDigests) {
    it(`refuses the digest ${digest.slice(0, 30)} (${digest.length})`, async () => {
      for (const kind of ['blobs', 'referrers', 'manifests']) {
        const answer = await api.call('GET', `/v2/a/${kind}/${digest}`)
        assert.deepEqual([answer.status, answer.code()], [400, 'DIGEST_INVALID'], kind)
      }
    })
  }

  const tags: [string, number][] = [
    ['a'.repeat(128), 201],
    ['a'.repeat(129), 400],
    ['_x', 201],
    ['.x', 400],
    ['-x', 400],
    ['a%0d%0aX-Injected', 400],
    ['a%2Fb', 400],
  ]
  for (const [tag, status] of tags) {
    it(`answers ${status} to the tag ${tag.slice(0, 20)} (${tag.length})`, async () => {
      const answer = await api.call('PUT', `/v2/a/manifests/${tag}`, { body: MANIFEST })
      assert.equal(answer.status, status)
      if (status === 400) assert.equal(answer.code(), 'TAG_INVALID')
      assert.equal(answer.headers['x-injected'], undefined)
    })
  }

  it('has no route for an empty tag', async () => {
    assert.equal((await api.call('PUT', '/v2/a/manifests/', { body: MANIFEST })).status, 404)
  })

  it('takes paths as they are written', async () => {
    for (const path of [
      '/V2/',
      '/v2/a/TAGS/list',
      '/v2/a/tags/list/',
      '//v2/',
      '/v2/x/../_catalog',
    ]) {
      assert.equal((await api.call('GET', path)).status, 404, path)
    }
  })
})
