import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { startApi } from '../support/http.ts'
import type { TestApi } from '../support/http.ts'

const UNKNOWN = 'BLOB_UPLOAD_UNKNOWN'

describe('api: uploading in chunks', () => {
  let api: TestApi
  let location: string
  beforeEach(async () => {
    api = await startApi({ limits: { blob: 1000 } })
    location = (await api.call('POST', '/v2/a/blobs/uploads/')).headers.location!
  })
  afterEach(() => api.close())

  const chunk = (range: string, body: string) =>
    api.call('PATCH', location, { headers: { 'content-range': range }, body })
  const stands = async () => (await api.call('GET', location)).headers.range

  it('takes a stream and then the digest', async () => {
    const headers = { 'transfer-encoding': 'chunked' }
    const patch = await api.call('PATCH', location, { headers, body: 'hello' })
    assert.deepEqual([patch.status, patch.headers.range], [202, '0-4'])
    assert.equal(patch.headers.location, location)
    assert.equal(patch.headers['docker-upload-uuid'], location.split('/').at(-1))
    const digest = digestOf(Buffer.from('hello'))
    const put = await api.call('PUT', `${location}?digest=${digest}`)
    assert.equal(put.status, 201)
    assert.equal(put.headers.location, `/v2/a/blobs/${digest}`)
    assert.equal(put.headers['docker-content-digest'], digest)
    assert.equal((await api.call('GET', `/v2/a/blobs/${digest}`)).body.toString(), 'hello')
  })

  it('takes chunks in order, and the last one with the digest', async () => {
    assert.equal((await chunk('0-4', 'hello')).headers.range, '0-4')
    assert.equal((await chunk('bytes 5-5/*', ' ')).headers.range, '0-5')
    assert.equal(await stands(), '0-5')
    const digest = digestOf(Buffer.from('hello world'))
    const headers = { 'content-range': '6-10' }
    const put = await api.call('PUT', `${location}?digest=${digest}`, { headers, body: 'world' })
    assert.equal(put.status, 201)
  })

  for (const size of [0, 1, 65_535, 65_536, 65_537, 1_048_577]) {
    it(`keeps a blob of ${size} bytes exactly`, async () => {
      const roomy = await startApi()
      try {
        const bytes = Buffer.alloc(size, 'abc')
        const start = await roomy.call('POST', '/v2/a/blobs/uploads/')
        const url = `${start.headers.location}?digest=${digestOf(bytes)}`
        const put = await roomy.call('PUT', url, { body: bytes })
        assert.equal(put.status, 201)
        const get = await roomy.call('GET', put.headers.location!)
        assert.ok(get.body.equals(bytes))
      } finally {
        await roomy.close()
      }
    })
  }

  const wrongRanges = [
    '3-4',
    '6-7',
    '0-1',
    '5-2',
    'abc',
    '-1',
    '9223372036854775808-9223372036854775809',
    '',
  ]
  for (const range of wrongRanges) {
    it(`answers 416 to "${range}" after 5 bytes, and goes on`, async () => {
      await chunk('0-4', 'hello')
      const answer = await chunk(range, '!!')
      assert.deepEqual([answer.status, answer.code()], [416, 'RANGE_INVALID'])
      assert.deepEqual([answer.headers.range, answer.headers.location], ['0-4', location])
      assert.equal(await stands(), '0-4')
      assert.equal((await chunk('5-6', '!!')).status, 202)
    })
  }

  it('answers 416 to a last chunk out of order, and goes on', async () => {
    const digest = digestOf(Buffer.from('ab'))
    await chunk('0-0', 'a')
    const headers = { 'content-range': '5-5' }
    const put = await api.call('PUT', `${location}?digest=${digest}`, { headers, body: 'b' })
    assert.deepEqual([put.status, put.headers.range], [416, '0-0'])
    assert.equal(put.headers.location, location)
    assert.equal((await api.call('PUT', `${location}?digest=${digest}`, { body: 'b' })).status, 201)
  })

  it('answers 416 to a first chunk that does not begin at 0', async () => {
    const answer = await chunk('5-9', 'hello')
    const { range, location: where } = answer.headers
    assert.deepEqual([answer.status, range, where], [416, '0-0', location])
    assert.equal((await chunk('0-4', 'hello')).status, 202)
  })

  it('refuses a body that is not as long as its range', async () => {
    const answer = await chunk('0-9', 'hello')
    assert.deepEqual([answer.status, answer.code()], [400, 'SIZE_INVALID'])
    assert.equal(await stands(), '0-0')
    const headers = { 'content-range': '0-9', 'transfer-encoding': 'chunked' }
    const streamed = await api.call('PATCH', location, { headers, body: 'hello' })
    assert.deepEqual([streamed.status, streamed.code()], [400, 'SIZE_INVALID'])
    assert.equal(await stands(), '0-4', 'what arrived is kept, and is told')
    const none = await api.call('PATCH', location, { headers: { 'content-range': '5-9' } })
    assert.deepEqual([none.status, none.code()], [400, 'SIZE_INVALID'])
  })

  it('refuses an announced length beyond the limit before reading', async () => {
    const answer = await chunk('0-1000', 'x'.repeat(1001))
    assert.deepEqual([answer.status, answer.code()], [413, 'TOO_LARGE'])
    assert.equal(await stands(), '0-0')
  })

  it('needs exactly one digest to finish', async () => {
    const digest = digestOf(Buffer.from('x'))
    for (const query of ['', '?digest=', `?digest=${digest}&digest=${digest}`, '?digest=md5:1']) {
      const answer = await api.call('PUT', location + query, { body: 'x' })
      assert.deepEqual([answer.status, answer.code()], [400, 'DIGEST_INVALID'], query)
    }
    assert.equal(await stands(), '0-0', 'the session is still there')
  })

  it('refuses content that is not what its digest says', async () => {
    const digest = digestOf(Buffer.from('other'))
    const answer = await api.call('PUT', `${location}?digest=${digest}`, { body: 'hello' })
    assert.deepEqual([answer.status, answer.code()], [400, 'DIGEST_INVALID'])
    assert.equal((await api.call('HEAD', `/v2/a/blobs/${digest}`)).status, 404)
    assert.equal((await api.call('GET', location)).status, 404)
  })

  it('knows a session no more once it is finished or cancelled', async () => {
    const digest = digestOf(Buffer.from(''))
    assert.equal((await api.call('PUT', `${location}?digest=${digest}`)).status, 201)
    const again = await api.call('PUT', `${location}?digest=${digest}`)
    assert.deepEqual([again.status, again.code()], [404, UNKNOWN])
    const other = (await api.call('POST', '/v2/a/blobs/uploads/')).headers.location!
    const cancelled = await api.call('DELETE', other)
    assert.deepEqual([cancelled.status, cancelled.body.length], [204, 0])
    for (const method of ['PATCH', 'GET', 'DELETE']) {
      const headers: Record<string, string> = { 'content-range': 'abc' }
      const answer = await api.call(method, other, method === 'PATCH' ? { headers, body: 'x' } : {})
      assert.deepEqual([answer.status, answer.code()], [404, UNKNOWN], method)
    }
  })

  it('knows no session by another name, a forged id, or a path as id', async () => {
    const id = location.split('/').at(-1)!
    for (const path of [
      `/v2/b/blobs/uploads/${id}`,
      '/v2/a/blobs/uploads/00000000-0000-4000-8000-000000000000',
      '/v2/a/blobs/uploads/..%2f..%2fetc',
      '/v2/a/blobs/uploads/..',
      '/v2/a/blobs/uploads/%00',
      `/v2/a/blobs/uploads/${'a'.repeat(5000)}`,
    ]) {
      for (const method of ['PATCH', 'GET', 'DELETE']) {
        const answer = await api.call(method, path)
        assert.deepEqual([answer.status, answer.code()], [404, UNKNOWN], `${method} ${path}`)
      }
    }
    assert.equal(await stands(), '0-0', 'the session is untouched')
  })
})
