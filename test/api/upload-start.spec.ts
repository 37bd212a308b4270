import assert from 'node:assert/strict'
import { CHUNK_MIN_BYTES } from '../../src/api/upload-start.ts'
import { CHUNK_BYTES } from '../../src/blocks/chunking.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { startApi } from '../support/http.ts'
import type { TestApi } from '../support/http.ts'

const BYTES = Buffer.from('some layer')
const DIGEST = digestOf(BYTES)
const START = '/v2/a/blobs/uploads/'

describe('api: starting an upload', () => {
  let api: TestApi
  beforeEach(async () => {
    api = await startApi()
  })
  afterEach(() => api.close())

  it('opens a session with a relative location', async () => {
    for (const path of [START, '/v2/a/blobs/uploads', `${START}?digest-algorithm=sha512`]) {
      const { status, headers } = await api.call('POST', path)
      assert.equal(status, 202)
      assert.equal(headers.location, `${START}${String(headers['docker-upload-uuid'])}`)
      assert.equal(headers.range, '0-0')
      assert.equal(headers['content-length'], '0')
    }
  })

  it('tells which chunks pay: whole leaves of the tree', async () => {
    for (const query of ['', `?mount=${DIGEST}`, `?mount=${DIGEST}&from=b`, '?mount=x']) {
      const { status, headers } = await api.call('POST', START + query)
      assert.deepEqual([status, headers['oci-chunk-min-length']], [202, String(CHUNK_MIN_BYTES)])
    }
    assert.equal(CHUNK_MIN_BYTES % CHUNK_BYTES, 0)
  })

  const algorithms = ['md5', 'sha384', 'SHA256', '', 'sha256:', 'sha256&digest-algorithm=sha512']
  for (const algorithm of algorithms) {
    it(`refuses digest-algorithm=${algorithm}, whatever else is asked for`, async () => {
      api.service.addBlob('source', BYTES)
      for (const query of ['', `&digest=${DIGEST}`, `&mount=${DIGEST}&from=source`]) {
        const path = `${START}?digest-algorithm=${algorithm}${query}`
        const answer = await api.call('POST', path, { body: BYTES })
        assert.deepEqual([answer.status, answer.code()], [400, 'DIGEST_INVALID'], path)
      }
      assert.equal(api.service.uploads.sessions.size, 0)
      assert.equal((await api.call('HEAD', `/v2/a/blobs/${DIGEST}`)).status, 404)
    })
  }

  for (const algorithm of ['sha256', 'sha512'] as const) {
    it(`takes a whole blob at once under its ${algorithm}`, async () => {
      const digest = digestOf(BYTES, algorithm)
      const answer = await api.call('POST', `${START}?digest=${digest}`, { body: BYTES })
      assert.equal(answer.status, 201)
      assert.equal(answer.headers.location, `/v2/a/blobs/${digest}`)
      assert.equal(answer.headers['docker-content-digest'], digest)
      const get = await api.call('GET', `/v2/a/blobs/${digest}`)
      assert.equal(get.body.toString(), 'some layer')
      assert.equal(api.service.uploads.sessions.size, 0)
    })
  }

  it('leaves nothing of a whole blob that is not what it says', async () => {
    const answer = await api.call('POST', `${START}?digest=${DIGEST}`, { body: 'other bytes' })
    assert.deepEqual([answer.status, answer.code()], [400, 'DIGEST_INVALID'])
    assert.equal((await api.call('HEAD', `/v2/a/blobs/${DIGEST}`)).status, 404)
    assert.equal(api.service.uploads.sessions.size, 0)
  })

  it('takes an empty blob at once', async () => {
    const digest = digestOf(Buffer.alloc(0))
    assert.equal((await api.call('POST', `${START}?digest=${digest}`)).status, 201)
  })

  it('refuses two digests and a malformed one', async () => {
    for (const query of [`digest=${DIGEST}&digest=${DIGEST}`, 'digest=', 'digest=sha256:x']) {
      const answer = await api.call('POST', `${START}?${query}`, { body: BYTES })
      assert.deepEqual([answer.status, answer.code()], [400, 'DIGEST_INVALID'], query)
      assert.equal(api.service.uploads.sessions.size, 0)
    }
  })

  const mounts: [string, number][] = [
    [`mount=${DIGEST}&from=source`, 201],
    [`mount=${DIGEST}`, 201],
    [`mount=${DIGEST}&from=elsewhere`, 202],
    [`mount=${DIGEST}&from=../source`, 202],
    [`mount=${DIGEST}&from=`, 202],
    [`mount=${DIGEST}&from=elsewhere&from=source`, 202],
    [`mount=${DIGEST}&mount=${DIGEST}&from=source`, 202],
    [`mount=${DIGEST}&from=source&digest-algorithm=sha512`, 201],
    [`mount=sha256:${'0'.repeat(64)}`, 202],
    ['mount=', 202],
    ['mount=md5:d41d8cd98f00b204e9800998ecf8427e', 202],
    [`mount=sha256:${'0'.repeat(64)}&from=source`, 202],
    ['mount=sha256:x&from=source', 202],
  ]
  for (const [query, status] of mounts) {
    const shown = query.replaceAll(DIGEST, '<digest>').replace('0'.repeat(64), '<absent>')
    it(`answers ${status} to ${shown}`, async () => {
      api.service.addBlob('source', BYTES)
      const answer = await api.call('POST', `${START}?${query}`)
      assert.equal(answer.status, status)
      if (status === 201) {
        assert.equal(answer.headers.location, `/v2/a/blobs/${DIGEST}`)
        assert.equal(answer.headers['docker-content-digest'], DIGEST)
      } else {
        assert.equal((await api.call('GET', answer.headers.location!)).status, 204)
        assert.equal((await api.call('HEAD', `/v2/a/blobs/${DIGEST}`)).status, 404)
      }
    })
  }
})
