import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { MANIFEST_MAX_BYTES } from '../../src/oci/manifest.ts'
import { startApi } from '../support/http.ts'
import type { TestApi } from '../support/http.ts'

const TYPE = 'application/vnd.oci.image.manifest.v1+json'
const manifest = (fields: object = {}) => JSON.stringify({ mediaType: TYPE, ...fields })

describe('api: pushing and deleting manifests', () => {
  let api: TestApi
  beforeEach(async () => {
    api = await startApi()
  })
  afterEach(() => api.close())

  const put = (path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
    api.call('PUT', path, { body, headers })

  it('answers with the digest, by tag and by either kind of digest', async () => {
    const bytes = Buffer.from(manifest())
    const sha512 = digestOf(bytes, 'sha512')
    for (const [reference, digest] of [
      ['v1', digestOf(bytes)],
      [digestOf(bytes), digestOf(bytes)],
      [sha512, sha512],
    ] as const) {
      const answer = await put(`/v2/a/manifests/${reference}`, bytes)
      assert.equal(answer.status, 201)
      assert.equal(answer.headers.location, `/v2/a/manifests/${digest}`)
      assert.equal(answer.headers['docker-content-digest'], digest)
      assert.equal(answer.headers['oci-subject'], undefined)
      const get = await api.call('GET', `/v2/a/manifests/${digest}`)
      assert.equal(get.headers['docker-content-digest'], digest)
      assert.ok(get.body.equals(bytes))
    }
  })

  it('names the subject', async () => {
    const digest = digestOf(Buffer.from('absent'))
    const answer = await put('/v2/a/manifests/v1', manifest({ subject: { digest } }))
    assert.equal(answer.headers['oci-subject'], digest)
  })

  it('sets the tags that a push by digest asks for', async () => {
    const body = manifest()
    const path = `/v2/a/manifests/${digestOf(Buffer.from(body))}`
    const answer = await put(`${path}?tag=v1&tag=latest&tag=v1`, body)
    assert.deepEqual([answer.status, answer.headers['oci-tag']], [201, 'v1, latest'])
    assert.deepEqual((await api.call('GET', '/v2/a/tags/list')).json(), {
      name: 'a',
      tags: ['latest', 'v1'],
    })
    assert.equal((await put(`${path}?tag=.bad`, body)).code(), 'TAG_INVALID')
  })

  it('sets a hundred tags at once, each as long as a tag may be, and says 414 to one more', async () => {
    const body = manifest()
    const path = `/v2/a/manifests/${digestOf(Buffer.from(body), 'sha512')}`
    const tags = Array.from({ length: 101 }, (_, i) => String(i).padStart(128, 't'))
    const query = (count: number) =>
      tags
        .slice(0, count)
        .map((tag) => `tag=${tag}`)
        .join('&')
    for (const count of [10, 100]) {
      const answer = await put(`${path}?${query(count)}`, body)
      assert.equal(answer.status, 201)
      assert.deepEqual(String(answer.headers['oci-tag']).split(', '), tags.slice(0, count))
    }
    const more = await put(`${path}?${query(101)}`, body)
    assert.deepEqual([more.status, more.code()], [414, 'TAG_INVALID'])
    assert.equal(more.headers['oci-tag'], undefined)
  })

  it('names them on few lines, none of them long', async () => {
    const body = manifest()
    const path = `/v2/a/manifests/${digestOf(Buffer.from(body))}`
    for (const [length, count, lines] of [
      [3, 100, 1],
      [128, 31, 1],
      [128, 32, 2],
      [128, 100, 4],
    ] as const) {
      const tags = Array.from({ length: count }, (_, i) => String(i).padStart(length, 't'))
      const client = api.raw()
      client.write(
        `PUT ${path}?${tags.map((tag) => `tag=${tag}`).join('&')} HTTP/1.1\r\nHost: localhost\r\n` +
          `Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
      const received = await client.closed()
      const values = [...received.matchAll(/^OCI-Tag: (.*)\r$/gm)].map(([, value = '']) => value)
      assert.equal(values.length, lines)
      assert.ok(values.every((value) => value.length <= 4096))
      assert.deepEqual(values.join(', ').split(', '), tags)
    }
  })

  it('takes no notice of tag parameters beside a tag, and says so by saying nothing', async () => {
    const answer = await put('/v2/a/manifests/v1?tag=v2', manifest())
    assert.deepEqual([answer.status, answer.headers['oci-tag']], [201, undefined])
    assert.equal((await api.call('GET', '/v2/a/manifests/v2')).status, 404)
  })

  it('hands on the media type without its parameters', async () => {
    for (const [type, status] of [
      [`${TYPE}; charset=utf-8`, 201],
      [`${TYPE} ;a=b`, 201],
      ['application/json', 400],
    ] as const) {
      const answer = await put('/v2/a/manifests/v1', manifest(), { 'content-type': type })
      assert.equal(answer.status, status, type)
    }
  })

  it('passes on what the registry says of bodies that are no manifest', async () => {
    for (const body of ['', 'no json', '[]', 'null', '1', '{"a":1} x', '\ufeff{}']) {
      const answer = await put('/v2/a/manifests/v1', body)
      assert.deepEqual([answer.status, answer.code()], [400, 'MANIFEST_INVALID'], body)
    }
  })

  it('refuses bytes that are not what the reference says', async () => {
    const answer = await put(`/v2/a/manifests/sha256:${'0'.repeat(64)}`, manifest())
    assert.deepEqual([answer.status, answer.code()], [400, 'DIGEST_INVALID'])
  })

  const padded = (size: number) => {
    const frame = manifest({ pad: '' }).length
    return manifest({ pad: 'x'.repeat(size - frame) })
  }
  it('takes 4 MiB and not a byte more', async () => {
    assert.equal((await put('/v2/a/manifests/v1', padded(MANIFEST_MAX_BYTES))).status, 201)
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      const answer = await put('/v2/a/manifests/v2', padded(MANIFEST_MAX_BYTES + 1), headers)
      assert.deepEqual([answer.status, answer.code()], [413, 'MANIFEST_INVALID'])
    }
  })

  it('reads an endless body only so far, answers, and closes', async () => {
    const client = api.raw()
    client.write(
      'PUT /v2/a/manifests/v1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n',
    )
    const chunk = Buffer.from(`10000\r\n${'x'.repeat(65_536)}\r\n`)
    let sent = 0
    const more = (): void => {
      while (!client.socket.destroyed && client.socket.write(chunk)) sent += chunk.length
    }
    client.socket.on('drain', () => {
      sent += chunk.length
      more()
    })
    more()
    const before = process.memoryUsage().rss
    const received = await client.closed()
    assert.match(received, /^HTTP\/1\.1 413 [^]*MANIFEST_INVALID/)
    assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes were taken`)
    assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024)
  })

  it('bounds the manifests in memory over all requests', async () => {
    const small = await startApi({ limits: { blob: 1, manifestBytes: 1000 } })
    try {
      const client = small.raw()
      const { putManifest } = small.service
      let release = (): void => undefined
      const entered = new Promise<void>((resolve) => {
        small.service.putManifest = async (...args) => {
          resolve()
          await new Promise<void>((go) => {
            release = go
          })
          return putManifest.apply(small.service, args)
        }
      })
      const body = padded(800)
      client.write(
        `PUT /v2/a/manifests/v1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 800\r\n\r\n${body}`,
      )
      await entered
      const refused = await small.call('PUT', '/v2/a/manifests/v2', { body })
      assert.deepEqual([refused.status, refused.code()], [503, 'UNAVAILABLE'])
      assert.equal(refused.headers['retry-after'], '1')
      release()
      await client.until(/^HTTP\/1\.1 201 /)
      small.service.putManifest = putManifest
      assert.equal((await small.call('PUT', '/v2/a/manifests/v2', { body })).status, 201)
    } finally {
      await small.close()
    }
  })

  it('deletes tags, manifests and blobs, and says what it did not find', async () => {
    const { headers } = await put('/v2/a/manifests/v1', manifest())
    const blob = `/v2/a/blobs/${api.service.addBlob('a', Buffer.from('x'))}`
    for (const path of ['/v2/a/manifests/v1', headers.location!, blob]) {
      const answer = await api.call('DELETE', path)
      assert.deepEqual([answer.status, answer.body.length], [202, 0], path)
      assert.equal((await api.call('GET', path)).status, 404)
      assert.equal((await api.call('DELETE', path)).status, 404)
    }
  })

  it('says what is allowed when deletes are off', async () => {
    api.service.deletes = false
    const blob = `/v2/a/blobs/${api.service.addBlob('a', Buffer.from('x'))}`
    for (const [path, allow] of [
      [blob, 'GET, HEAD'],
      ['/v2/a/manifests/v1', 'GET, HEAD, PUT'],
    ] as const) {
      const answer = await api.call('DELETE', path)
      assert.deepEqual([answer.status, answer.code()], [405, 'UNSUPPORTED'])
      assert.equal(answer.headers.allow, allow)
    }
  })
})
