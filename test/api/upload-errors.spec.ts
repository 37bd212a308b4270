import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { startApi } from '../support/http.ts'
import type { TestApi } from '../support/http.ts'

const NOBODYS = '/v2/a/blobs/uploads/0c7b3f4e-52a1-4f0c-9d57-5a2f1c9e4b11'

// Found by the differential test: what the client can do something about is told first.
describe('api: several things that are wrong with a request to an upload', () => {
  let api: TestApi
  let location: string
  beforeEach(async () => {
    api = await startApi()
    location = (await api.call('POST', '/v2/a/blobs/uploads/')).headers.location!
    await api.call('PATCH', location, { body: 'hello' })
  })
  afterEach(() => api.close())

  const send = async (method: string, path: string, range: string) => {
    const answer = await api.call(method, path, { headers: { 'content-range': range }, body: 'x' })
    return [answer.status, answer.code(), answer.headers.range]
  }
  const right = `?digest=${digestOf(Buffer.from('hello'))}`
  const wrong = '?digest=sha256:x'

  for (const [method, query] of [
    ['PATCH', ''],
    ['PUT', right],
    ['PUT', wrong],
    ['PUT', ''],
  ] as const) {
    it(`${method} ${query}: an upload that is not there is 404, whatever its range is`, async () => {
      for (const range of ['0-0', '0-7', 'abc'])
        assert.deepEqual(await send(method, NOBODYS + query, range), [
          404,
          'BLOB_UPLOAD_UNKNOWN',
          undefined,
        ])
    })

    it(`${method} ${query}: out of order is 416, whatever its length is`, async () => {
      for (const range of ['0-0', '4-9', '6-6', '6-99', 'abc'])
        assert.deepEqual(await send(method, location + query, range), [416, 'RANGE_INVALID', '0-4'])
    })
  }

  it('in order, a length that does not agree is 400, and so is no digest', async () => {
    assert.deepEqual(await send('PATCH', location, '5-9'), [400, 'SIZE_INVALID', undefined])
    assert.deepEqual(await send('PUT', location + right, '5-9'), [400, 'SIZE_INVALID', undefined])
    assert.deepEqual(await send('PUT', location, '5-5'), [400, 'DIGEST_INVALID', undefined])
    assert.equal((await api.call('GET', location)).headers.range, '0-4')
  })
})
