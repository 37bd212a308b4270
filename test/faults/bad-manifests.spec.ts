import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { digestOf } from '../../src/oci/digest.ts'
import { OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from '../../src/oci/media-type.ts'
import { descriptorOf, indexOf, jsonPiece, randomImage } from '../support/random-image.ts'
import { RawClient } from '../support/http.ts'
import { Target } from './refusals.ts'
import type { AddressInfo } from 'node:net'
import type { Refusal } from './refusals.ts'

const DOCKER = 'application/vnd.docker.distribution.manifest.v2+json'
const MAX = 4 * 1024 * 1024
const image = randomImage()
const base = JSON.parse(Buffer.from(image.bytes).toString()) as Record<string, unknown>
const layer = descriptorOf(image.blobs[1]!)

function put(
  id: string,
  what: string,
  body: unknown,
  { type = OCI_IMAGE_MANIFEST, ...rest }: { type?: string } & Partial<Refusal> = {},
): Refusal {
  const raw = typeof body === 'string' || body instanceof Uint8Array
  return {
    id,
    what,
    method: 'PUT',
    path: '/v2/app/manifests/bad',
    headers: { 'Content-Type': type },
    body: raw ? body : JSON.stringify(body),
    status: 400,
    code: 'MANIFEST_INVALID',
    ...rest,
  }
}

function withLayers(text: string): string {
  return JSON.stringify({ ...base, layers: '@' }).replace('"@"', text)
}

/** B18 to B24: what a manifest must not be. */
const BAD: Refusal[] = [
  put('B18', 'JSON 100,000 deep', '['.repeat(100_000)),
  put('B18', 'JSON deep inside', withLayers(`${'['.repeat(50_000)}${']'.repeat(50_000)}`)),
  put('B18', 'a million elements', withLayers(`[${'1,'.repeat(999_999)}1]`)),
  put('B18', '40,000 descriptors', {
    ...base,
    layers: Array.from({ length: 20_000 }, () => layer),
  }),
  put(
    'B18',
    'a size beyond all numbers',
    withLayers(JSON.stringify([layer]).replace(/"size":\d+/, '"size":1e400')),
  ),
  put('B18', 'a negative size', { ...base, layers: [{ ...layer, size: -1 }] }),
  put('B18', 'a size with a half', { ...base, layers: [{ ...layer, size: 1.5 }] }),
  put('B18', 'a size that is text', { ...base, layers: [{ ...layer, size: '10' }] }),
  put('B18', 'a media type of a megabyte', {
    ...base,
    layers: [{ ...layer, mediaType: 'x'.repeat(1_000_000) }],
  }),
  put('B18', 'a byte order mark', Buffer.concat([Buffer.from('\ufeff'), Buffer.from(image.bytes)])),
  put('B18', 'more after its end', `${Buffer.from(image.bytes).toString()}{}`),
  put('B18', 'a field twice', JSON.stringify(base).replace('{', '{"config":{},')),
  put(
    'B18',
    'bytes that are no UTF-8',
    Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
  ),
  put('B18', 'a digest of a prototype', { ...base, layers: [{ ...layer, digest: '__proto__' }] }),
  put('B19', 'nothing', ''),
  put('B19', 'no JSON', 'not json'),
  put('B19', 'an array', '[]'),
  put('B19', 'null', 'null'),
  put('B19', 'a number', '42'),
  put('B19', 'text', '"manifest"'),
  put('B19', 'an empty object', '{}'),
  put('B20', 'another type than its own', base, { type: DOCKER }),
  put('B20', 'the type of an index', base, { type: OCI_IMAGE_INDEX }),
  put('B20', 'an unknown type', base, { type: 'application/json' }),
  put('B20', 'a type that is none', base, { type: ';;;' }),
  put('B20', 'no type', base, { headers: {} }),
  put('B20', 'an unknown type inside', { ...base, mediaType: 'application/x' }),
  put('B21', 'layers and manifests', { ...base, manifests: [descriptorOf(image)] }),
  put(
    'B21',
    'config and manifests',
    { schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, config: base['config'], manifests: [] },
    { type: OCI_IMAGE_INDEX },
  ),
  put('B21', 'fsLayers', { ...base, fsLayers: [] }),
  put('B21', 'manifests of another case', { ...base, Manifests: [] }),
  put('B23', 'a blob that is not here', randomImage().bytes, { code: 'MANIFEST_BLOB_UNKNOWN' }),
  put('B23', 'a child that is not here', indexOf([randomImage()]).bytes, {
    type: OCI_IMAGE_INDEX,
    code: 'MANIFEST_BLOB_UNKNOWN',
  }),
  put('B24', 'a size that is not the blob’s', {
    ...base,
    layers: [{ ...layer, size: layer.size + 1 }],
  }),
  put('B26', 'other bytes than its digest', base, {
    path: `/v2/app/manifests/${digestOf(randomBytes(3))}`,
    code: 'DIGEST_INVALID',
  }),
]

describe('bad manifests', () => {
  const target = new Target().use()
  before(() => target.node.client.pushImage('app', image, { tag: 'good' }))

  for (const refusal of BAD) {
    it(`${refusal.id}: a manifest with ${refusal.what} is refused and changes nothing`, async () => {
      await target.refuse(refusal)
      assert.equal(await target.node.client.digestOf('app', 'bad'), undefined)
    })
  }

  it('B17: one of 4 MiB is taken and comes back; one byte more is 413', async () => {
    const { client } = target.node
    const empty = JSON.stringify({ ...base, annotations: { filler: '' } }).length
    const fits = jsonPiece(
      { ...base, annotations: { filler: 'x'.repeat(MAX - empty) } },
      OCI_IMAGE_MANIFEST,
    )
    assert.equal(fits.bytes.length, MAX)
    await client.putManifest('app', 'large', fits)
    assert.ok((await client.manifest('app', 'large')).bytes.equals(fits.bytes))
    const body = Buffer.concat([fits.bytes, Buffer.from(' ')])
    await target.refuse(put('B17', 'a byte too many', body, { status: 413 }))
  })

  it('B17: a body that never ends is cut at the limit', async () => {
    const raw = new RawClient(target.node.port)
    raw.write(
      `PUT /v2/app/manifests/bad HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${OCI_IMAGE_MANIFEST}\r\n` +
        'Transfer-Encoding: chunked\r\n\r\n',
    )
    const chunk = Buffer.from(`10000\r\n${' '.repeat(0x10000)}\r\n`)
    let sent = 0
    while (!raw.received.includes('\r\n\r\n') && sent < 64 * 1024 * 1024) {
      sent += chunk.length
      if (!raw.socket.write(chunk)) await Promise.race([once(raw.socket, 'drain'), raw.closed()])
    }
    assert.match(await raw.until(/\r\n\r\n/), /^HTTP\/1\.1 413 /)
    assert.ok(sent < 48 * 1024 * 1024, `it took ${sent} bytes`)
    raw.destroy()
  })

  it('B18: what is strange and allowed comes back byte for byte', async () => {
    const { client } = target.node
    const strange = Buffer.from(
      ` ${JSON.stringify({ ...base, annotations: { a: '\ud83d\ude80', __proto__: 'x' }, unknown: [1.5, null] }, null, 3)}\n`,
    )
    await client.putManifest('app', 'strange', { bytes: strange, mediaType: OCI_IMAGE_MANIFEST })
    assert.ok((await client.manifest('app', 'strange')).bytes.equals(strange))
  })

  it('B20: parameters of the type mean nothing', async () => {
    const headers = { 'Content-Type': `${OCI_IMAGE_MANIFEST}; charset=utf-8` }
    const answer = await target.call('PUT', '/v2/app/manifests/param', {
      headers,
      body: image.bytes,
    })
    assert.equal(answer.status, 201)
    const got = await target.call('GET', '/v2/app/manifests/param')
    assert.equal(got.headers['content-type'], OCI_IMAGE_MANIFEST)
  })

  it('B22: the same bytes under another type are refused, and the type stays', async () => {
    const { client } = target.node
    const { mediaType: _, ...rest } = base
    const untyped = jsonPiece(rest, OCI_IMAGE_MANIFEST)
    await client.putManifest('app', 'untyped', untyped)
    await target.refuse(put('B22', 'bytes under another type', untyped.bytes, { type: DOCKER }))
    const { headers } = await client.expect(200, 'GET', `/v2/app/manifests/${untyped.digest}`)
    assert.equal(headers.get('content-type'), OCI_IMAGE_MANIFEST)
  })

  it('B25: a subject that is absent is taken, and referrers come to an end', async () => {
    const { client } = target.node
    const absent = randomImage()
    const first = randomImage({ subject: absent })
    const second = randomImage({ subject: first })
    for (const each of [first, second]) {
      for (const blob of each.blobs) await client.pushBlob('app', blob.bytes)
      const { headers } = await client.putManifest('app', each.digest, each)
      assert.equal(headers.get('oci-subject'), each.subject)
    }
    const { manifests } = await client.referrers('app', absent.digest)
    assert.deepEqual(
      manifests.map(({ digest }) => digest),
      [first.digest],
    )
  })

  it('B27: the urls of a layer are never asked', async () => {
    const { client } = target.node
    const asked: string[] = []
    const server = createServer((req, res) => {
      asked.push(req.url ?? '')
      res.end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const urls = [`http://127.0.0.1:${port}/layer`, 'file:///etc/passwd', 'javascript:alert(1)']
    const manifest = jsonPiece({ ...base, layers: [{ ...layer, urls }] }, OCI_IMAGE_MANIFEST)
    await client.putManifest('app', 'urls', manifest)
    assert.ok((await client.manifest('app', 'urls')).bytes.equals(manifest.bytes))
    await client.blob('app', layer.digest)
    const elsewhere = { ...layer, digest: digestOf(randomBytes(4)), urls }
    await target.refuse(
      put(
        'B27',
        'a layer that is only elsewhere',
        { ...base, layers: [elsewhere] },
        {
          code: 'MANIFEST_BLOB_UNKNOWN',
        },
      ),
    )
    server.close()
    assert.deepEqual(asked, [])
  })
})
