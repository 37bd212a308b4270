import assert from 'node:assert/strict'
import { parseRange } from '../../src/api/range.ts'
import { startApi } from '../support/http.ts'
import type { TestApi } from '../support/http.ts'

const SIZE = 200_000
const BYTES = Buffer.alloc(SIZE, (() => Buffer.from(Array.from({ length: 251 }, (_, i) => i)))())

/** Header, status, first byte and length of what is expected. */
const CASES: [string, number, number, number][] = [
  ['bytes=0-0', 206, 0, 1],
  ['bytes=500-1499', 206, 500, 1000],
  ['bytes=500-', 206, 500, SIZE - 500],
  ['bytes=-5', 206, SIZE - 5, 5],
  ['bytes=-999999', 206, 0, SIZE],
  ['bytes=199990-5000000', 206, 199_990, 10],
  ['bytes=0-99999999999999999999999999', 206, 0, SIZE],
  ['BYTES = 3-4', 206, 3, 2],
  ['bytes=200000-', 416, 0, 0],
  ['bytes=500000-500001', 416, 0, 0],
  [`bytes=${'9'.repeat(400)}-`, 416, 0, 0],
  ['bytes=500-0', 416, 0, 0],
  ['bytes=-0', 416, 0, 0],
  ['bytes=0-1,4-5', 200, 0, SIZE],
  [`bytes=${Array.from({ length: 1000 }, (_, i) => `${i}-${i}`).join(',')}`, 200, 0, SIZE],
  ['items=0-5', 200, 0, SIZE],
  ['bytes=', 200, 0, SIZE],
  ['bytes=-', 200, 0, SIZE],
  ['bytes=abc', 200, 0, SIZE],
  ['bytes=-1-5', 200, 0, SIZE],
  ['bytes', 200, 0, SIZE],
]

describe('api: range requests', () => {
  let api: TestApi
  let path: string
  before(async () => {
    api = await startApi()
    path = `/v2/a/blobs/${api.service.addBlob('a', BYTES)}`
  })
  after(() => api.close())

  for (const [range, status, offset, length] of CASES) {
    it(`answers ${status} to ${range.slice(0, 40)}`, async () => {
      const answer = await api.call('GET', path, { headers: { range } })
      assert.equal(answer.status, status)
      if (status === 416) {
        assert.equal(answer.headers['content-range'], `bytes */${SIZE}`)
        assert.equal(answer.code(), 'RANGE_INVALID')
        return
      }
      assert.equal(answer.headers['content-length'], String(length))
      assert.equal(answer.headers['accept-ranges'], 'bytes')
      const expected = `bytes ${offset}-${offset + length - 1}/${SIZE}`
      assert.equal(answer.headers['content-range'], status === 206 ? expected : undefined)
      assert.ok(answer.body.equals(BYTES.subarray(offset, offset + length)))
    })
  }

  it('honours a range only while the content is the one the client has a part of', async () => {
    const etag = (await api.call('HEAD', path)).headers.etag!
    for (const [condition, status] of [
      [etag, 206],
      ['"other"', 200],
      [`W/${etag}`, 200],
      ['Wed, 21 Oct 2015 07:28:00 GMT', 200],
    ] as const) {
      const headers = { range: 'bytes=1-2', 'if-range': condition }
      assert.equal((await api.call('GET', path, { headers })).status, status, condition)
    }
  })

  it('ignores a range on HEAD', async () => {
    const answer = await api.call('HEAD', path, { headers: { range: 'bytes=1-2' } })
    assert.deepEqual([answer.status, answer.headers['content-length']], [200, String(SIZE)])
  })

  it('gives the whole of empty content for any range', async () => {
    const empty = `/v2/a/blobs/${api.service.addBlob('a', Buffer.alloc(0))}`
    const answer = await api.call('GET', empty, { headers: { range: 'bytes=0-' } })
    assert.deepEqual([answer.status, answer.headers['content-length']], [200, '0'])
  })

  it('serves parts of a manifest too, since it says that it accepts ranges', async () => {
    const body = JSON.stringify({ mediaType: 'application/vnd.test+json' })
    await api.call('PUT', '/v2/a/manifests/v1', { body })
    const answer = await api.call('GET', '/v2/a/manifests/v1', { headers: { range: 'bytes=2-10' } })
    assert.deepEqual([answer.status, answer.body.toString()], [206, body.slice(2, 11)])
  })

  it('reads hostile headers in no time', () => {
    const started = performance.now()
    for (const header of ['bytes=' + '0'.repeat(16_000), 'bytes' + ' '.repeat(16_000) + 'x']) {
      parseRange(header, 10)
    }
    assert.ok(performance.now() - started < 1000)
  })
})
