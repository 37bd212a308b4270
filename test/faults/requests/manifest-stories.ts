import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { OCI_IMAGE_MANIFEST } from '../../../src/oci/media-type.ts'
import { jsonPiece, randomImage } from '../../support/random-image.ts'
import { layer, manifest, small } from './fixtures.ts'
import type { AddressInfo } from 'node:net'
import type { Target } from './target.ts'

/** Bytes of the largest manifest. */
export const MAX = 4 * 1024 * 1024

/** A good manifest of so many bytes. */
export function sized(bytes: number): Uint8Array {
  const empty = JSON.stringify({ ...manifest, annotations: { filler: '' } }).length
  const annotations = { filler: 'x'.repeat(bytes - empty) }
  return jsonPiece({ ...manifest, annotations }, OCI_IMAGE_MANIFEST).bytes
}

export async function fits({ client }: Target): Promise<void> {
  const bytes = sized(MAX)
  assert.equal(bytes.length, MAX)
  await client.putManifest('app', 'large', { bytes, mediaType: OCI_IMAGE_MANIFEST })
  assert.ok((await client.manifest('app', 'large')).bytes.equals(bytes))
  await client.expect(202, 'DELETE', '/v2/app/manifests/large')
}

export async function isCutAtTheLimit(target: Target): Promise<void> {
  const raw = target.raw()
  raw.write(`PUT /v2/app/manifests/bad HTTP/1.1\r\nHost: localhost\r\n`)
  raw.write(`Content-Type: ${OCI_IMAGE_MANIFEST}\r\nTransfer-Encoding: chunked\r\n\r\n`)
  const chunk = Buffer.from(`10000\r\n${' '.repeat(0x10000)}\r\n`)
  let sent = 0
  while (!raw.received.includes('\r\n\r\n') && sent < 16 * MAX) {
    sent += chunk.length
    if (!raw.socket.write(chunk)) await Promise.race([once(raw.socket, 'drain'), raw.closed()])
  }
  assert.match(await raw.until(/\r\n\r\n/), /^HTTP\/1\.1 413 /)
  assert.ok(sent < 12 * MAX, `it took ${sent} bytes`)
}

export async function comesBackAsItWas({ client }: Target): Promise<void> {
  const annotations = { a: '\ud83d\ude80', ['__proto__']: 'x' }
  const strange = { ...manifest, annotations, unknown: [1.5, null] }
  const bytes = Buffer.from(` ${JSON.stringify(strange, null, 3)}\n`)
  await client.putManifest('app', 'strange', { bytes, mediaType: OCI_IMAGE_MANIFEST })
  assert.ok((await client.manifest('app', 'strange')).bytes.equals(bytes))
  await client.expect(202, 'DELETE', '/v2/app/manifests/strange')
}

export async function typeHasParameters(target: Target): Promise<void> {
  const headers = { 'Content-Type': `${OCI_IMAGE_MANIFEST}; charset=utf-8` }
  const path = '/v2/parameters/manifests/v1'
  for (const blob of small.blobs) await target.client.pushBlob('parameters', blob.bytes)
  assert.equal((await target.call('PUT', path, { headers, body: small.bytes })).status, 201)
  assert.equal((await target.call('GET', path)).headers['content-type'], OCI_IMAGE_MANIFEST)
}

export async function keepsItsType(target: Target): Promise<void> {
  const { mediaType: _, ...rest } = manifest
  const untyped = jsonPiece(rest, OCI_IMAGE_MANIFEST)
  const path = `/v2/app/manifests/${untyped.digest}`
  await target.client.putManifest('app', untyped.digest, untyped)
  const headers = { 'Content-Type': 'application/vnd.docker.distribution.manifest.v2+json' }
  const answer = await target.call('PUT', path, { headers, body: untyped.bytes })
  assert.deepEqual([answer.status, answer.code()], [400, 'MANIFEST_INVALID'])
  assert.equal((await target.call('GET', path)).headers['content-type'], OCI_IMAGE_MANIFEST)
}

/** Of itself nothing can be the subject, nor of what refers to it: their digests would have to be known before. */
export async function hasAbsentSubject({ client }: Target): Promise<void> {
  const absent = randomImage()
  const first = randomImage({ subject: absent })
  const second = randomImage({ subject: first })
  for (const each of [first, second]) {
    for (const blob of each.blobs) await client.pushBlob('subjects', blob.bytes)
    const { headers } = await client.putManifest('subjects', each.digest, each)
    assert.equal(headers.get('oci-subject'), each.subject)
  }
  const { manifests } = await client.referrers('subjects', absent.digest)
  assert.deepEqual(
    manifests.map(({ digest }) => digest),
    [first.digest],
  )
}

export async function urlsAreNotAsked({ client }: Target): Promise<void> {
  const asked: string[] = []
  const server = createServer((req, res) => {
    asked.push(req.url ?? '')
    res.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const urls = [`http://127.0.0.1:${port}/layer`, 'file:///etc/passwd', 'javascript:alert(1)']
  const piece = jsonPiece({ ...manifest, layers: [{ ...layer, urls }] }, OCI_IMAGE_MANIFEST)
  await client.putManifest('app', piece.digest, piece)
  assert.ok((await client.manifest('app', piece.digest)).bytes.equals(piece.bytes))
  await client.blob('app', layer.digest)
  server.close()
  assert.deepEqual(asked, [])
}

/** The row that will be a refusal where tags are immutable. */
export async function tagMoves({ client }: Target): Promise<void> {
  const [first, second] = [randomImage(), randomImage()]
  await client.pushImage('moving', first, { tag: 'v1' })
  await client.pushImage('moving', second, { tag: 'v1' })
  await client.pullsExactly('moving', 'v1', second)
  await client.pullsExactly('moving', first.digest, first)
}
