import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { digestOf } from '../../../src/oci/digest.ts'
import { PUSH_MODES } from '../../support/client.ts'
import { UPLOADED, UPLOADED_DIGEST } from './fixtures.ts'
import type { IncomingMessage } from 'node:http'
import type { Answer } from '../../support/http.ts'
import type { Story } from './row.ts'
import type { Target } from './target.ts'

const MIB = 1024 * 1024
const START = '/v2/app/blobs/uploads/'

/** Without a Content-Length it only shows at the end: what was kept is counted, and is a part of what was sent. */
export async function isMeasuredAtItsEnd(target: Target): Promise<void> {
  const upload = await target.startUpload()
  const answer = await target.call('PATCH', upload, {
    headers: { 'Content-Range': '1000-1999', 'Transfer-Encoding': 'chunked' },
    body: UPLOADED.subarray(1000, 1600),
  })
  assert.deepEqual([answer.status, answer.code()], [400, 'SIZE_INVALID'])
  const offset = await target.offsetOf(upload)
  assert.ok(offset >= 1000 && offset <= 1600, `it stands at ${offset}`)
  await target.client.patch(upload, UPLOADED.subarray(offset), offset)
  await target.client.finish(upload, UPLOADED_DIGEST)
}

/** What comes behind the body is the next request, which this is not. */
export async function isLongerThanItSays(target: Target): Promise<void> {
  const upload = await target.startUpload()
  const raw = target.raw()
  raw.write(`PATCH ${upload} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n`)
  raw.write(Buffer.concat([UPLOADED.subarray(1000, 1005), Buffer.from('and much more\r\n\r\n')]))
  const received = await raw.closed()
  assert.doesNotMatch(received, /HTTP\/1\.1 2[^]*HTTP\/1\.1 2/)
  assert.ok([1000, 1005].includes(await target.goesOn(upload, UPLOADED)))
  await target.client.finish(upload, UPLOADED_DIGEST)
}

export async function breaksOff(target: Target): Promise<void> {
  const { client } = target
  const content = randomBytes(3 * MIB)
  const upload = await client.startUpload('app')
  const raw = target.raw()
  raw.write(`PATCH ${upload} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n`)
  raw.write(`Content-Length: ${content.length}\r\n\r\n`)
  await raw.until(/^HTTP\/1\.1 100 /)
  raw.write(content.subarray(0, 2 * MIB + 99))
  if (raw.socket.writableNeedDrain) await once(raw.socket, 'drain')
  raw.socket.end()
  await raw.closed()
  const offset = await target.goesOn(upload, content)
  assert.ok(offset <= 2 * MIB + 99)
  await client.finish(upload, digestOf(content))
  assert.ok((await client.blob('app', digestOf(content))).equals(content))
}

export async function twoAtOnce(target: Target): Promise<void> {
  const { client } = target
  const content = randomBytes(2 * MIB)
  const upload = await client.startUpload('app')
  const headers = { Expect: '100-continue', 'Content-Length': String(content.length) }
  const first = request(new URL(upload, client.url), { method: 'PATCH', headers, agent: false })
  first.flushHeaders()
  await once(first, 'continue')
  first.write(content.subarray(0, MIB))
  const second = await target.call('PATCH', upload, { body: randomBytes(3000) })
  assert.deepEqual([second.status, second.code()], [416, 'RANGE_INVALID'])
  first.end(content.subarray(MIB))
  const [answer] = (await once(first, 'response')) as [IncomingMessage]
  assert.equal(answer.resume().statusCode, 202)
  await client.finish(upload, digestOf(content))
  assert.ok((await client.blob('app', digestOf(content))).equals(content))
}

export async function endsTwice({ client }: Target): Promise<void> {
  const finished = await client.startUpload('app')
  await client.finish(finished, UPLOADED_DIGEST, UPLOADED)
  const cancelled = await client.patch(await client.startUpload('app'), UPLOADED)
  await client.expect(204, 'DELETE', cancelled)
  for (const upload of [finished, cancelled])
    for (const method of ['PUT', 'PATCH', 'GET', 'DELETE']) {
      const path = method === 'PUT' ? `${upload}?digest=${UPLOADED_DIGEST}` : upload
      const answer = await client.expect(404, method, path)
      assert.equal(answer.code(), 'BLOB_UPLOAD_UNKNOWN')
    }
  assert.ok((await client.blob('app', UPLOADED_DIGEST)).equals(UPLOADED))
}

export async function cancelledInTheMiddle(target: Target): Promise<void> {
  const { client } = target
  const upload = await client.startUpload('app')
  const headers = { Expect: '100-continue', 'Content-Length': String(2 * MIB) }
  const sending = request(new URL(upload, client.url), { method: 'PATCH', headers, agent: false })
  sending.flushHeaders()
  await once(sending, 'continue')
  sending.write(randomBytes(MIB))
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>
  await client.expect(204, 'DELETE', upload)
  const [answer] = await answered
  sending.on('error', () => undefined).destroy()
  assert.equal(answer.statusCode, 404)
  for (const method of ['GET', 'DELETE']) await client.expect(404, method, upload)
}

/** Ten thousand would be the same: it is over long before. Those that are cancelled make room. */
export async function manySessions(target: Target): Promise<void> {
  const before = (await target.status()).storage.uploads
  const open: string[] = []
  let refused: Answer | undefined
  await atOnce(16, async () => {
    while (refused === undefined && open.length < 10_000) {
      const answer = await target.call('POST', START)
      if (answer.status === 202) open.push(answer.headers.location!)
      else refused = answer
    }
  })
  assert.deepEqual([refused?.status, refused?.code()], [429, 'TOOMANYREQUESTS'])
  assert.match(String(refused?.headers['retry-after']), /^[1-9]\d*$/)
  assert.equal((await target.status()).storage.uploads, before + open.length)
  await target.client.expect(200, 'GET', '/v2/app/tags/list')
  await atOnce(16, async () => {
    for (let upload = open.pop(); upload !== undefined; upload = open.pop())
      await target.client.expect(204, 'DELETE', upload)
  })
  assert.equal((await target.status()).storage.uploads, before)
}

export function hasSize(size: number): Story {
  return async ({ client }) => {
    const content = randomBytes(size)
    for (const mode of PUSH_MODES) {
      await client.pushBlob(`sizes/${mode}`, content, { mode })
      assert.ok((await client.blob(`sizes/${mode}`, digestOf(content))).equals(content))
    }
  }
}

async function atOnce(count: number, work: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, work))
}
