import assert from 'node:assert/strict'
import { startApi } from '../support/http.ts'
import type { TestApi } from '../support/http.ts'

const MANIFEST = JSON.stringify({ mediaType: 'application/vnd.oci.image.manifest.v1+json' })

describe('api: extensions', () => {
  let api: TestApi
  beforeEach(async () => {
    api = await startApi()
    for (const name of ['a', 'a/b', 'heliport/repository'])
      await api.call('PUT', `/v2/${name}/manifests/v1`, { body: MANIFEST })
  })
  afterEach(() => api.close())

  it('delete a repository', async () => {
    const answer = await api.call('DELETE', '/v2/a/_heliport/repository')
    assert.deepEqual([answer.status, answer.body.length], [202, 0])
    const list = await api.call('GET', '/v2/a/tags/list')
    assert.deepEqual([list.status, list.code()], [404, 'NAME_UNKNOWN'])
    assert.equal((await api.call('GET', '/v2/a/b/tags/list')).status, 200)
    const again = await api.call('DELETE', '/v2/a/_heliport/repository')
    assert.deepEqual([again.status, again.code()], [404, 'NAME_UNKNOWN'])
    assert.deepEqual((await api.call('GET', '/v2/_catalog')).json(), {
      repositories: ['a/b', 'heliport/repository'],
    })
  })

  for (const path of [
    '/v2/a/_heliport/repository/',
    '/v2/a/_heliport/Repository',
    '/v2/a/_heliport',
    '/v2/_heliport/repository',
    '/v2/A/_heliport/repository',
    '/v2/a/_x/_heliport/repository',
    '/v2/a/..%2fb/_heliport/repository',
  ]) {
    it(`delete nothing at ${path}`, async () => {
      const answer = await api.call('DELETE', path)
      assert.ok(answer.status === 404 || answer.status === 400, String(answer.status))
      for (const name of ['a', 'a/b'])
        assert.equal((await api.call('GET', `/v2/${name}/tags/list`)).status, 200)
    })
  }

  it('refuse other methods, and deletes that are off, with 405', async () => {
    for (const method of ['GET', 'PUT', 'POST', 'PATCH']) {
      const answer = await api.call(method, '/v2/a/_heliport/repository')
      assert.deepEqual([answer.status, answer.headers.allow], [405, 'DELETE'])
    }
    api.service.deletes = false
    const answer = await api.call('DELETE', '/v2/a/_heliport/repository')
    assert.deepEqual([answer.status, answer.code()], [405, 'UNSUPPORTED'])
    assert.equal(answer.headers.allow, '')
  })

  it('can be discovered, for the registry and for a repository', async () => {
    for (const [path, endpoint] of [
      ['/v2/_oci/ext/discover', '/v2/{name}/_heliport/repository'],
      ['/v2/a/b/_oci/ext/discover', '/v2/a/b/_heliport/repository'],
    ] as const) {
      const answer = await api.call('GET', path)
      assert.equal(answer.headers['content-type'], 'application/json')
      const { extensions } = answer.json() as { extensions: Record<string, unknown>[] }
      assert.equal(extensions.length, 1)
      const [{ name, url, description, endpoints } = {}] = extensions
      assert.deepEqual([name, endpoints], ['_heliport', [endpoint]])
      assert.ok(typeof description === 'string' && description !== '')
      const definition = await (await fetch(String(url))).text()
      assert.match(definition, /^DELETE \/v2\/<name>\/_heliport\/repository$/m)
    }
  })
})
