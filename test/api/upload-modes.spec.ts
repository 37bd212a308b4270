import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { digestOf } from '../../src/oci/digest.ts'
import { startApi } from '../support/http.ts'
import { createRegistry } from '../support/registry-setup.ts'
import type { DigestAlgorithm } from '../../src/oci/digest.ts'
import type { Answer, TestApi } from '../support/http.ts'

/** How a blob is uploaded: gives the last answer. */
type Mode = (api: TestApi, bytes: Buffer, digest: string) => Promise<Answer>

const START = '/v2/a/blobs/uploads/'
const begin = async (api: TestApi, query = ''): Promise<string> => {
  const { status, headers } = await api.call('POST', START + query)
  assert.equal(status, 202)
  return headers.location!
}
const end = (api: TestApi, location: string, digest: string, options = {}) =>
  api.call('PUT', `${location}?digest=${digest}`, options)

/** Sends a part of the bytes as a chunk; none at all when there are none. */
async function chunk(api: TestApi, location: string, bytes: Buffer, from: number, to: number) {
  if (from === to) return
  const headers = { 'content-range': `${from}-${to - 1}` }
  const body = bytes.subarray(from, to)
  const answer = await api.call('PATCH', location, { headers, body })
  assert.deepEqual([answer.status, answer.headers.range], [202, `0-${to - 1}`])
}

const MODES: Record<string, Mode> = {
  'POST alone': (api, body, digest) => api.call('POST', `${START}?digest=${digest}`, { body }),

  'POST and PUT': async (api, body, digest) => end(api, await begin(api), digest, { body }),

  'a stream': async (api, body, digest) => {
    const location = await begin(api)
    const headers = { 'transfer-encoding': 'chunked' }
    const patch = await api.call('PATCH', location, { headers, body })
    assert.deepEqual([patch.status, patch.headers.location], [202, location])
    return end(api, location, digest)
  },

  chunks: async (api, bytes, digest) => {
    const location = await begin(api)
    const cut = Math.floor(bytes.length / 2)
    await chunk(api, location, bytes, 0, cut)
    await chunk(api, location, bytes, cut, bytes.length)
    return end(api, location, digest)
  },

  'chunks, the last with PUT': async (api, bytes, digest) => {
    const location = await begin(api)
    const cut = Math.floor(bytes.length / 2)
    await chunk(api, location, bytes, 0, cut)
    const body = bytes.subarray(cut)
    if (body.length === 0) return end(api, location, digest)
    const headers = { 'content-range': `${cut}-${bytes.length - 1}` }
    return end(api, location, digest, { headers, body })
  },

  'the announced algorithm': async (api, body, digest) => {
    const location = await begin(api, `?digest-algorithm=${digest.split(':')[0]}`)
    return end(api, location, digest, { body })
  },

  'another algorithm than announced': async (api, body, digest) => {
    const other = digest.startsWith('sha256') ? 'sha512' : 'sha256'
    return end(api, await begin(api, `?digest-algorithm=${other}`), digest, { body })
  },

  'a mount that failed': async (api, body, digest) =>
    end(api, await begin(api, `?mount=${digest}&from=nobody`), digest, { body }),
}

describe('api: every way to upload a blob', () => {
  let api: TestApi
  let setup: Awaited<ReturnType<typeof createRegistry>>
  beforeEach(async () => {
    setup = await createRegistry()
    api = await startApi({ service: setup.service })
  })
  afterEach(() => api.close())

  for (const [mode, upload] of Object.entries(MODES)) {
    for (const algorithm of ['sha256', 'sha512'] as const) {
      it(`${mode}, by ${algorithm}`, async () => {
        for (const size of [0, 1, 5000]) {
          const bytes = randomBytes(size)
          const digest = digestOf(bytes, algorithm)
          const created = await upload(api, bytes, digest)
          const { location, 'docker-content-digest': told } = created.headers
          assert.deepEqual([created.status, told], [201, digest], `${size} bytes`)
          assert.equal(location, `/v2/a/blobs/${digest}`)
          const got = await api.call('GET', location)
          assert.deepEqual([got.status, got.headers['docker-content-digest']], [200, digest])
          assert.ok(got.body.equals(bytes))
        }
        assert.deepEqual(await setup.uploadStore.list(), [])
      })

      it(`${mode}, by a wrong ${algorithm}, is 400 and leaves nothing`, async () => {
        for (const size of [0, 1, 5000]) {
          const wrong = digestOf(randomBytes(9), algorithm)
          const answer = await upload(api, randomBytes(size), wrong)
          assert.deepEqual([answer.status, answer.code()], [400, 'DIGEST_INVALID'], `${size} bytes`)
          assert.equal((await api.call('HEAD', `/v2/a/blobs/${wrong}`)).status, 404)
        }
        assert.deepEqual(await setup.uploadStore.list(), [])
        assert.deepEqual(await setup.own.reader().repositories(), [])
      })
    }
  }

  const HASHED: [query: string, algorithm: DigestAlgorithm][] = [
    ['', 'sha256'],
    ['?digest-algorithm=sha256', 'sha256'],
    ['?digest-algorithm=sha512', 'sha512'],
    [`?mount=${digestOf(Buffer.from('x'), 'sha512')}`, 'sha512'],
    [`?mount=${digestOf(Buffer.from('x'), 'sha512')}&digest-algorithm=sha256`, 'sha256'],
    [`?mount=${digestOf(Buffer.from('x'))}&from=b`, 'sha256'],
    ['?mount=sha512:x', 'sha256'],
  ]
  for (const [query, algorithm] of HASHED) {
    it(`hashes by ${algorithm} while the bytes arrive after POST ${query.slice(0, 40)}`, async () => {
      await begin(api, query)
      const [session] = await setup.uploadStore.list()
      assert.equal(session?.algorithm, algorithm)
    })
  }

  for (const algorithm of ['sha256', 'sha512'] as const) {
    it(`mounts a blob by ${algorithm}, and not after it was deleted (CVE-2026-35172)`, async () => {
      const bytes = randomBytes(1000)
      const digest = digestOf(bytes, algorithm)
      await api.call('POST', `/v2/source/blobs/uploads/?digest=${digest}`, { body: bytes })
      for (const [name, query] of [
        ['named', `mount=${digest}&from=source`],
        ['anonymous', `mount=${digest}`],
      ]) {
        const mounted = await api.call('POST', `/v2/${name}/blobs/uploads/?${query}`)
        const { location, 'docker-content-digest': told } = mounted.headers
        assert.deepEqual([mounted.status, told], [201, digest])
        assert.ok((await api.call('GET', location!)).body.equals(bytes))
      }
      for (const name of ['source', 'named', 'anonymous']) {
        assert.equal((await api.call('DELETE', `/v2/${name}/blobs/${digest}`)).status, 202)
      }
      for (const query of [`mount=${digest}`, `mount=${digest}&from=source`]) {
        const { status, headers } = await api.call('POST', `${START}?${query}`)
        assert.equal(status, 202)
        assert.equal((await api.call('HEAD', `/v2/a/blobs/${digest}`)).status, 404)
        assert.equal((await end(api, headers.location!, digest, { body: bytes })).status, 201)
        assert.equal((await api.call('DELETE', `/v2/a/blobs/${digest}`)).status, 202)
      }
    })
  }
})
