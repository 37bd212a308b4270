import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { digestOf } from '../../../src/oci/digest.ts'
import { UPLOADED, UPLOADED_DIGEST } from './fixtures.ts'
import { SHORT } from './times.ts'
import type { Socket } from 'node:net'
import type { Target } from './target.ts'

const MIB = 1024 * 1024

/** Some say nothing, others a letter now and then: none has a request in the end. */
export async function headersTrickle(target: Target): Promise<void> {
  const before = await target.holds()
  const clients = Array.from({ length: 60 }, () => target.raw())
  for (const client of clients.slice(30))
    client.write('GET /v2/ HTTP/1.1\r\nHost: localhost\r\nX-A: ')
  const trickle = setInterval(() => {
    for (const client of clients.slice(30)) client.write('a')
  }, SHORT.headers / 10)
  assert.equal((await target.call('GET', '/v2/')).status, 200)
  const answers = await Promise.all(clients.map((client) => client.closed()))
  clearInterval(trickle)
  for (const answer of answers) assert.match(answer, /^(HTTP\/1\.1 408 [^]*"errors"[^]*)?$/)
  await target.letsGo(before)
}

export async function isSilent(target: Target): Promise<void> {
  const upload = await target.startUpload()
  const raw = target.raw()
  raw.write(`PATCH ${upload} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n\r\n`)
  raw.write(UPLOADED.subarray(1000, 1300))
  assert.match(await raw.closed(), /^HTTP\/1\.1 408 [^]*"BLOB_UPLOAD_INVALID"/)
  assert.equal(await target.goesOn(upload, UPLOADED), 1300)
  await target.client.finish(upload, UPLOADED_DIGEST)
}

/** Twice as long as a silent one may last, a little at a time: more than what is too slow by any measure. */
export async function sendsSteadily(target: Target): Promise<void> {
  const bytes = randomBytes(8 * 2048)
  const upload = await target.client.startUpload('app')
  const raw = target.raw()
  raw.write(
    `PATCH ${upload} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bytes.length}\r\n\r\n`,
  )
  for (let at = 0; at < bytes.length; at += 2048) {
    await pause(SHORT.bodyIdle / 4)
    raw.write(bytes.subarray(at, at + 2048))
  }
  await raw.until(/^HTTP\/1\.1 202 /)
  await target.client.finish(upload, digestOf(bytes))
}

/** Each of them would have three chunks in memory, if it could. */
export async function readsNothing(target: Target): Promise<void> {
  const content = randomBytes(16 * MIB)
  const path = `/v2/slow/blobs/${await target.client.pushBlob('slow', content)}`
  const before = await target.holds()
  const memory = await target.memory()
  const readers = Array.from({ length: 64 }, () => reader(target, path))
  const { body } = await target.call('GET', path)
  assert.ok(body.equals(content))
  const grown = ((await target.memory()) - memory) / MIB
  assert.ok(grown < 128, `${grown} MiB more are in memory`)
  await target.letsGo(before)
  for (const socket of readers) socket.destroy()
}

/** Asks, and takes nothing. */
function reader({ port }: Target, path: string): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined).pause()
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  return socket
}
