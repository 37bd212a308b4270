import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { startApi } from '../support/http.ts'
import type { TestApi } from '../support/http.ts'

const TYPE = 'application/vnd.oci.image.manifest.v1+json'
const bytesOf = (note: string): Buffer => Buffer.from(JSON.stringify({ mediaType: TYPE, note }))

/** Puts something different under a tag of each repository, and a blob. */
async function fill(api: TestApi, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const answer = await api.call('PUT', `/v2/${name}/manifests/v1`, { body: bytesOf(name) })
    assert.equal(answer.status, 201)
    api.service.addBlob(name, Buffer.from(`blob of ${name}`))
  }
}

describe('api: namespaces', () => {
  let api: TestApi
  before(async () => {
    const namespaces = {
      'docker.io': 'docker.io',
      'registry.example:5000': 'mirror/example',
      '127.0.0.1:5000': 'local',
      '[::1]': 'local6',
      'a.b': 'docker.io',
    }
    api = await startApi({ namespaces })
    await fill(api, [
      'library/alpine',
      'docker.io/library/alpine',
      'mirror/example/library/alpine',
      'local/library/alpine',
      'local6/library/alpine',
    ])
  })
  after(() => api.close())

  const tag = '/v2/library/alpine/manifests/v1'
  for (const [query, repository, namespace] of [
    ['', 'library/alpine', undefined],
    ['?ns=docker.io', 'docker.io/library/alpine', 'docker.io'],
    ['?ns=Docker.IO', 'docker.io/library/alpine', 'Docker.IO'],
    ['?ns=a.b', 'docker.io/library/alpine', 'a.b'],
    ['?x=1&ns=docker.io&y=2', 'docker.io/library/alpine', 'docker.io'],
    ['?ns=registry.example:5000', 'mirror/example/library/alpine', 'registry.example:5000'],
    ['?ns=registry.example%3A5000', 'mirror/example/library/alpine', 'registry.example:5000'],
    ['?ns=127.0.0.1:5000', 'local/library/alpine', '127.0.0.1:5000'],
    ['?ns=[::1]', 'local6/library/alpine', '[::1]'],
  ] as const) {
    it(`reads ${repository} for ${query === '' ? 'no ns' : query}`, async () => {
      for (const method of ['GET', 'HEAD']) {
        const answer = await api.call(method, tag + query)
        assert.equal(answer.status, 200)
        assert.equal(answer.headers['docker-content-digest'], digestOf(bytesOf(repository)))
        assert.equal(answer.headers['oci-namespace'], namespace)
      }
    })
  }

  it('counts for everything that is pulled, by tag or by digest', async () => {
    const scoped = digestOf(bytesOf('docker.io/library/alpine'))
    const blob = digestOf(Buffer.from('blob of docker.io/library/alpine'))
    for (const path of [
      `manifests/${scoped}`,
      `blobs/${blob}`,
      'tags/list',
      `referrers/${scoped}`,
    ]) {
      const answer = await api.call('GET', `/v2/library/alpine/${path}?ns=docker.io`)
      assert.deepEqual([answer.status, answer.headers['oci-namespace']], [200, 'docker.io'], path)
    }
    for (const path of [`manifests/${scoped}`, `blobs/${blob}`]) {
      for (const query of ['', '?ns=registry.example:5000']) {
        const answer = await api.call('GET', `/v2/library/alpine/${path}${query}`)
        assert.equal(answer.status, 404, `${path}${query}: another namespace's`)
      }
    }
  })

  it('is in the answer to what is not there, too', async () => {
    const answer = await api.call('GET', '/v2/library/nothing/manifests/v1?ns=docker.io')
    assert.deepEqual([answer.status, answer.code()], [404, 'MANIFEST_UNKNOWN'])
    assert.equal(answer.headers['oci-namespace'], 'docker.io')
  })

  it('calls a repository as the client does, and goes on in the same namespace', async () => {
    await fill(api, ['docker.io/many'])
    for (const name of ['v2', 'v3'])
      api.service.repository('docker.io/many').tags.set(name, digestOf(Buffer.from(name)))
    const first = await api.call('GET', '/v2/many/tags/list?n=2&ns=docker.io')
    assert.deepEqual(first.json(), { name: 'many', tags: ['v1', 'v2'] })
    const next = /<(.+)>/.exec(String(first.headers['link']))?.[1]
    assert.equal(next, '/v2/many/tags/list?n=2&last=v2&ns=docker.io')
    const second = await api.call('GET', next)
    assert.deepEqual(second.json(), { name: 'many', tags: ['v3'] })
  })

  for (const ns of ['quay.io', 'docker.io:443', 'registry.example', 'constructor', 'localhost']) {
    it(`keeps nothing of ${ns}, and says nothing of what others have`, async () => {
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
        const answer = await api.call(method, `${tag}?ns=${ns}`)
        assert.equal(answer.status, 404)
        if (method !== 'HEAD') assert.equal(answer.code(), 'NAME_UNKNOWN')
        assert.equal(answer.headers['oci-namespace'], undefined)
      }
    })
  }

  for (const query of [
    'ns=',
    'ns',
    'ns=docker.io&ns=docker.io',
    'ns=docker.io&ns=quay.io',
    'ns=docker.io/library',
    'ns=http://169.254.169.254/',
    'ns=user@docker.io',
    'ns=docker.io%00',
    'ns=docker.io%0d%0aX:%20y',
    'ns=..',
    'ns=-docker.io',
    'ns=docker.io:99999999',
    'ns=d%C3%B6cker.io',
    `ns=${'a'.repeat(300)}`,
  ]) {
    it(`refuses ?${query.slice(0, 60)}`, async () => {
      const answer = await api.call('GET', `${tag}?${query}`)
      assert.deepEqual([answer.status, answer.code()], [400, 'NAME_INVALID'])
      assert.equal(answer.headers['oci-namespace'], undefined)
    })
  }

  it('changes nothing under a short name, and says how it is called here', async () => {
    for (const [method, path] of [
      ['PUT', tag],
      ['DELETE', tag],
      ['POST', '/v2/library/alpine/blobs/uploads/'],
      ['DELETE', '/v2/library/alpine/_heliport/repository'],
    ] as const) {
      const answer = await api.call(method, `${path}?ns=docker.io`, { body: bytesOf('x') })
      assert.deepEqual([answer.status, answer.code()], [400, 'UNSUPPORTED'])
      assert.match(answer.body.toString(), /docker\.io\/library\/alpine/)
    }
    assert.equal((await api.call('GET', `${tag}?ns=docker.io`)).status, 200)
  })

  it('has no names that are too long with what stands before them', async () => {
    const name = 'x'.repeat(250)
    const answer = await api.call('GET', `/v2/${name}/tags/list?ns=docker.io`)
    assert.deepEqual([answer.status, answer.code()], [400, 'NAME_INVALID'])
  })

  it('means nothing where there is no repository', async () => {
    for (const path of ['/v2/', '/v2/_catalog']) {
      const answer = await api.call('GET', `${path}?ns=quay.io`)
      assert.deepEqual([answer.status, answer.headers['oci-namespace']], [200, undefined])
    }
  })
})

describe('api: namespaces that nobody declared', () => {
  it('are ignored, whatever they are', async () => {
    const api = await startApi()
    try {
      await fill(api, ['library/alpine'])
      for (const query of ['ns=docker.io', 'ns=', 'ns=a&ns=b', 'ns=%00']) {
        const answer = await api.call('GET', `/v2/library/alpine/manifests/v1?${query}`)
        assert.deepEqual([answer.status, answer.headers['oci-namespace']], [200, undefined])
      }
    } finally {
      await api.close()
    }
  })
})

describe('api: a namespace at the top', () => {
  it('has the names that everything has, and no other namespace has them', async () => {
    const api = await startApi({ namespaces: { 'docker.io': '' } })
    try {
      await fill(api, ['library/alpine'])
      const path = '/v2/library/alpine/manifests/v1'
      for (const [query, status] of [
        ['', 200],
        ['?ns=docker.io', 200],
        ['?ns=quay.io', 404],
      ] as const)
        assert.equal((await api.call('GET', path + query)).status, status, query)
    } finally {
      await api.close()
    }
  })
})
