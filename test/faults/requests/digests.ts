import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { digestOf } from '../../../src/oci/digest.ts'
import { HEX, IMAGE, UPLOADED_DIGEST } from './fixtures.ts'
import { CHANGES } from './row.ts'
import type { Row, Sent, Story } from './row.ts'

const INVALID = '400 DIGEST_INVALID'
const bytes = randomBytes(3000)

/** Digests: B03 to B06. */
export const DIGESTS: readonly Row[] = [
  ...bad('63 digits', `sha256:${HEX.slice(1)}`),
  ...bad('65 digits', `sha256:${HEX}a`),
  ...bad('capital digits', `sha256:${HEX.toUpperCase()}`),
  ...bad('a way up', 'sha256:..%2f..%2fx'),
  ...bad('an algorithm that is broken', `md5:${HEX.slice(32)}`),
  ...bad('an algorithm nobody knows', `blake9:${HEX}`),
  ...bad('no digits', 'sha256:'),
  ...bad('no algorithm', `:${HEX}`),
  ...bad('two colons', 'a:b:c'),
  ...bad('the name of a prototype', `__proto__:${HEX}`),
  ...bad('ten thousand digits', `sha256:${'a'.repeat(10_000)}`),
  ...bad('a zero byte', `sha256:${HEX.slice(1)}%00`),
  ...bad('a line break', `sha256:${HEX}%0a`),
  ...bad('the digits of sha512 under sha256', `sha256:${HEX}${HEX}`),

  ['B04', 'a blob in one request', sha512('post'), CHANGES],
  ['B04', 'a blob in two requests', sha512('put'), CHANGES],

  ['B05', 'a wrong digest in one request', wrongDigest('post')],
  ['B05', 'a wrong digest with the bytes', wrongDigest('put')],
  ['B05', 'a wrong digest after the bytes', wrongDigest('stream')],

  ['B06', 'no digest', 'PUT {upload}', INVALID],
  ['B06', 'an empty one', 'PUT {upload}?digest=', INVALID],
  ['B06', 'two', `PUT {upload}?digest=${UPLOADED_DIGEST}&digest=${UPLOADED_DIGEST}`, INVALID],
  ['B06', 'a tag', 'PUT {upload}?digest=latest', INVALID],
]

/** A digest in every place where one can stand. In a manifest's it might be a tag, or nothing. */
function bad(what: string, digest: string): Row[] {
  const blob = `/v2/app/blobs/${digest}`
  const manifest = `/v2/app/manifests/${digest}`
  const blobs: Sent[] = [
    `GET ${blob}`,
    `HEAD ${blob}`,
    `DELETE ${blob}`,
    `GET /v2/app/referrers/${digest}`,
    { line: `POST /v2/app/blobs/uploads/?digest=${digest}`, body: bytes },
    `PUT {upload}?digest=${digest}`,
  ]
  const manifests = [`GET ${manifest}`, `DELETE ${manifest}`, { line: `PUT ${manifest}`, ...IMAGE }]
  return [
    ['B03', `${what}, of a blob`, blobs, INVALID],
    ['B03', `${what}, of a manifest`, manifests, '400|404 DIGEST_INVALID|TAG_INVALID'],
  ]
}

function sha512(mode: 'post' | 'put'): Story {
  return async ({ client }) => {
    const name = `sha512-by-${mode}`
    const digest = digestOf(bytes, 'sha512')
    const uploads = `/v2/${name}/blobs/uploads/`
    if (mode === 'post')
      await client.expect(201, 'POST', `${uploads}?digest=${digest}`, { body: bytes })
    else await client.finish(await client.startUpload(name), digest, bytes)
    assert.ok((await client.blob(name, digest)).equals(bytes))
    await client.expect(404, 'HEAD', `/v2/${name}/blobs/${digestOf(bytes)}`)
  }
}

function wrongDigest(mode: 'post' | 'put' | 'stream'): Story {
  return async ({ client }) => {
    const wrong = digestOf(randomBytes(9))
    let path = `/v2/app/blobs/uploads/?digest=${wrong}`
    if (mode !== 'post') path = `${await client.startUpload('app')}?digest=${wrong}`
    if (mode === 'stream') await client.patch(path.split('?')[0]!, bytes)
    const body = mode === 'stream' ? {} : { body: bytes }
    const answer = await client.expect(400, mode === 'post' ? 'POST' : 'PUT', path, body)
    assert.equal(answer.code(), 'DIGEST_INVALID')
    for (const digest of [wrong, digestOf(bytes)])
      await client.expect(404, 'HEAD', `/v2/app/blobs/${digest}`)
  }
}
