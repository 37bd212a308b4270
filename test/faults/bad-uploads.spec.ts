import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { digestOf } from '../../src/oci/digest.ts'
import { RawClient } from '../support/http.ts'
import { Target, isErrorBody } from './refusals.ts'

const MIB = 1024 * 1024
const bytes = randomBytes(5000)
const digest = digestOf(bytes)

describe('bad uploads', () => {
  const target = new Target().use()

  /** Where an upload stands, as its `Range` says it. */
  async function standsAt(upload: string): Promise<string | undefined> {
    const { status, headers } = await target.call('GET', upload)
    assert.equal(status, 204)
    return headers.range
  }

  const RANGES: [what: string, range: string, status: number[]][] = [
    ['that leaves a gap', '3000-3099', [416]],
    ['that overlaps', '500-599', [416]],
    ['that was sent before', '0-99', [416]],
    ['that runs backwards', '5-2', [400, 416]],
    ['that is no range', 'abc', [400, 416]],
    ['that is empty', '', [400, 416]],
    ['that is negative', '-5--1', [400, 416]],
    ['beyond what numbers can say', '9223372036854775808-9223372036854775907', [400, 416]],
    ['of a part of a number', '1000.5-1099', [400, 416]],
  ]
  it('B07: a chunk out of order is 416 with Range and Location, and the session goes on', async () => {
    const { client } = target.node
    const upload = await client.patch(await client.startUpload('app'), bytes.subarray(0, 1000), 0)
    for (const [what, range, status] of RANGES) {
      const answer = await target.refuse({
        id: 'B07',
        what,
        method: 'PATCH',
        path: upload,
        headers: { 'Content-Range': range },
        body: Buffer.alloc(100),
        status,
        code: ['RANGE_INVALID', 'BLOB_UPLOAD_INVALID', 'SIZE_INVALID'],
      })
      if (answer.status === 416) {
        assert.equal(answer.headers.range, '0-999', what)
        assert.equal(answer.headers.location, upload, what)
      }
      assert.equal(await standsAt(upload), '0-999', what)
    }
    await client.patch(upload, bytes.subarray(1000), 1000)
    await client.finish(upload, digest)
    assert.ok((await client.blob('app', digest)).equals(bytes))
  })

  it('B08: a range that is not as long as its body is SIZE_INVALID, and nothing unseen is counted', async () => {
    const { client } = target.node
    const upload = await client.patch(await client.startUpload('app'), bytes.subarray(0, 1000), 0)
    for (const [range, length] of [
      ['1000-1999', 999],
      ['1000-1999', 1001],
      ['1000-1000', 500],
    ] as const) {
      await target.refuse({
        id: 'B08',
        what: range,
        method: 'PATCH',
        path: upload,
        headers: { 'Content-Range': range },
        body: bytes.subarray(1000, 1000 + length),
        status: 400,
        code: 'SIZE_INVALID',
      })
      assert.equal(await standsAt(upload), '0-999')
    }
    // Without a Content-Length it only shows at the end: what was kept is counted, and is a part of what was sent.
    const chunked = await target.call('PATCH', upload, {
      headers: { 'Content-Range': '1000-1999', 'Transfer-Encoding': 'chunked' },
      body: bytes.subarray(1000, 1600),
    })
    assert.deepEqual([chunked.status, chunked.code()], [400, 'SIZE_INVALID'])
    const offset = Number((await standsAt(upload))?.split('-')[1]) + 1
    assert.ok(offset >= 1000 && offset <= 1600)
    await client.patch(upload, bytes.subarray(offset), offset)
    await client.finish(upload, digest)
  })

  it('B08, B09: a body that breaks off leaves the session at what was kept, and it can be finished', async () => {
    const { client } = target.node
    const content = randomBytes(3 * MIB)
    const upload = await client.startUpload('app')
    const raw = new RawClient(target.node.port)
    const length = `Content-Length: ${content.length}`
    raw.write(
      `PATCH ${upload} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n${length}\r\n\r\n`,
    )
    await raw.until(/^HTTP\/1\.1 100 /)
    raw.write(content.subarray(0, 2 * MIB + 99))
    if (raw.socket.writableNeedDrain) await once(raw.socket, 'drain')
    raw.socket.end()
    await raw.closed()
    // The session is free again when its last request has ended; until then a chunk is 416.
    let offset = 0
    for (;;) {
      offset = Number((await standsAt(upload))?.split('-')[1])
      offset = offset === 0 ? 0 : offset + 1
      const rest = { 'Content-Range': `${offset}-${content.length - 1}` }
      const answer = await target.call('PATCH', upload, {
        headers: rest,
        body: content.subarray(offset),
      })
      if (answer.status === 202) break
      assert.equal(answer.status, 416)
    }
    assert.ok(offset <= 2 * MIB + 99)
    await client.finish(upload, digestOf(content))
    assert.ok((await client.blob('app', digestOf(content))).equals(content))
  })

  const IDS = {
    'that nobody gave out': '8c5b0ee2-6f0f-4a57-9a8e-0d2a1f3e4b5c',
    'that is no id': 'x',
    'with a way up': '..%2f..%2flock',
    'with two dots': '%2e%2e',
    'with a zero byte': 'a%00b',
    'of ten thousand letters': 'a'.repeat(10_000),
    'named like a prototype': '__proto__',
  }
  for (const [what, id] of Object.entries(IDS)) {
    target.refuses(
      `B10: an upload id ${what}`,
      ['GET', 'PATCH', 'PUT', 'DELETE'].map((method) => ({
        id: 'B10',
        what,
        method,
        path: `/v2/app/blobs/uploads/${id}${method === 'PUT' ? `?digest=${digest}` : ''}`,
        status: 404,
        code: ['BLOB_UPLOAD_UNKNOWN', 'UNSUPPORTED'],
        ...(method === 'PATCH' ? { body: bytes } : {}),
      })),
    )
  }

  it('B11: an upload of one repository is unknown in every other, and is not touched', async () => {
    const { client } = target.node
    const upload = await client.patch(await client.startUpload('mine'), bytes.subarray(0, 2000))
    const stolen = upload.replace('/mine/', '/theirs/')
    for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
      await target.refuse({
        id: 'B11',
        what: 'of another',
        method,
        path: method === 'PUT' ? `${stolen}?digest=${digest}` : stolen,
        status: 404,
        code: 'BLOB_UPLOAD_UNKNOWN',
        ...(method === 'PATCH' ? { body: bytes } : {}),
      })
    }
    await client.patch(upload, bytes.subarray(2000))
    await client.finish(upload, digest)
    assert.equal((await client.call('HEAD', `/v2/theirs/blobs/${digest}`)).status, 404)
  })

  it('B12: a mount of what is not there opens a session instead', async () => {
    const { client } = target.node
    const absent = digestOf(randomBytes(5))
    await client.pushBlob('source', bytes)
    const before = await target.root()
    for (const query of [
      `mount=${absent}&from=source`,
      `mount=${digest}&from=nowhere`,
      `mount=${digest}&from=..%2f..`,
      `mount=${digest}&from=`,
      `mount=sha256:xyz&from=source`,
      `mount=&from=source`,
    ]) {
      const answer = await target.call('POST', `/v2/other/blobs/uploads/?${query}`)
      assert.equal(answer.status, 202, query)
      const location = answer.headers.location ?? ''
      assert.match(location, /^\/v2\/other\/blobs\/uploads\/[\w-]+$/, query)
      await client.expect(204, 'DELETE', location)
    }
    assert.equal(await target.root(), before)
    assert.equal((await client.call('HEAD', `/v2/other/blobs/${digest}`)).status, 404)
  })

  it('B13: of two chunks at once one is taken and the other is 416; nothing is mixed', async () => {
    const { client } = target.node
    const content = randomBytes(2 * MIB)
    const upload = await client.startUpload('app')
    const headers = { Expect: '100-continue', 'Content-Length': String(content.length) }
    const url = new URL(upload, client.url)
    const first = request(url, { method: 'PATCH', headers, agent: false })
    first.flushHeaders()
    await once(first, 'continue')
    first.write(content.subarray(0, MIB))
    const second = await target.call('PATCH', upload, { body: randomBytes(3000) })
    assert.deepEqual([second.status, second.code()], [416, 'RANGE_INVALID'])
    isErrorBody(second, 'B13')
    first.end(content.subarray(MIB))
    const [answer] = (await once(first, 'response')) as [{ statusCode: number; resume(): void }]
    answer.resume()
    assert.equal(answer.statusCode, 202)
    await client.finish(upload, digestOf(content))
    assert.ok((await client.blob('app', digestOf(content))).equals(content))
  })

  it('B14: an upload that was finished or cancelled is unknown', async () => {
    const { client } = target.node
    const finished = await client.startUpload('app')
    await client.finish(finished, digest, bytes)
    const cancelled = await client.patch(await client.startUpload('app'), bytes)
    await client.expect(204, 'DELETE', cancelled)
    for (const upload of [finished, cancelled]) {
      for (const method of ['PUT', 'PATCH', 'GET', 'DELETE']) {
        await target.refuse({
          id: 'B14',
          what: 'that has ended',
          method,
          path: method === 'PUT' ? `${upload}?digest=${digest}` : upload,
          status: 404,
          code: 'BLOB_UPLOAD_UNKNOWN',
        })
      }
    }
    assert.ok((await client.blob('app', digest)).equals(bytes))
  })

  for (const size of [0, 1, MIB - 1, MIB, MIB + 1]) {
    it(`B16: a blob of ${size} bytes comes back`, async () => {
      const { client } = target.node
      const content = randomBytes(size)
      for (const mode of ['post', 'put', 'stream', 'chunks'] as const) {
        await client.pushBlob(`sizes/${mode}`, content, { mode })
        assert.ok((await client.blob(`sizes/${mode}`, digestOf(content))).equals(content))
      }
    })
  }
})
