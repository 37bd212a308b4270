import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { digestOf } from '../../src/oci/digest.ts'
import { randomImage } from '../support/random-image.ts'
import { Target } from './refusals.ts'

const hex = 'a'.repeat(64)
const bytes = randomBytes(3000)
const image = randomImage()

const DIGESTS: Record<string, string> = {
  '63 digits': `sha256:${hex.slice(1)}`,
  '65 digits': `sha256:${hex}a`,
  'capital digits': `sha256:${hex.toUpperCase()}`,
  'a way up': 'sha256:..%2f..%2fx',
  'an algorithm that is broken': `md5:${hex.slice(32)}`,
  'an algorithm nobody knows': `blake9:${hex}`,
  'no digits': 'sha256:',
  'no algorithm': `:${hex}`,
  'two colons': 'a:b:c',
  'the name of a prototype': `__proto__:${hex}`,
  'ten thousand digits': `sha256:${'a'.repeat(10_000)}`,
  'a zero byte': `sha256:${hex.slice(1)}%00`,
  'a line break': `sha256:${hex}%0a`,
  'digits of sha512 under sha256': `sha256:${hex}${hex}`,
}

describe('bad digests', () => {
  const target = new Target().use()

  for (const [what, digest] of Object.entries(DIGESTS)) {
    const right = { id: 'B03', what, code: ['DIGEST_INVALID', 'TAG_INVALID', 'UNSUPPORTED'] }
    target.refuses(`B03: a digest with ${what}`, [
      { ...right, method: 'GET', path: `/v2/app/blobs/${digest}`, status: 400 },
      { ...right, method: 'HEAD', path: `/v2/app/blobs/${digest}`, status: 400, bodiless: true },
      { ...right, method: 'DELETE', path: `/v2/app/blobs/${digest}`, status: 400 },
      { ...right, method: 'GET', path: `/v2/app/referrers/${digest}`, status: 400 },
      { ...right, method: 'GET', path: `/v2/app/manifests/${digest}`, status: [400, 404] },
      { ...right, method: 'DELETE', path: `/v2/app/manifests/${digest}`, status: [400, 404] },
      {
        ...right,
        method: 'PUT',
        path: `/v2/app/manifests/${digest}`,
        status: [400, 404],
        headers: { 'Content-Type': image.mediaType },
        body: image.bytes,
      },
      {
        ...right,
        method: 'POST',
        path: `/v2/app/blobs/uploads/?digest=${digest}`,
        status: 400,
        body: bytes,
      },
    ])
  }

  it('B04: content under sha512 is served under sha512 and not under sha256', async () => {
    const { client } = target.node
    const digest = digestOf(bytes, 'sha512')
    for (const query of [`?digest=${digest}`, undefined]) {
      const name = query === undefined ? 'by-put' : 'by-post'
      if (query !== undefined)
        await client.expect(201, 'POST', `/v2/${name}/blobs/uploads/${query}`, { body: bytes })
      else await client.finish(await client.startUpload(name), digest, bytes)
      const { body } = await client.expect(200, 'GET', `/v2/${name}/blobs/${digest}`)
      assert.ok(body.equals(bytes))
      assert.equal((await client.call('HEAD', `/v2/${name}/blobs/${digestOf(bytes)}`)).status, 404)
    }
  })

  for (const mode of ['post', 'put', 'stream'] as const) {
    it(`B05: a digest that is not the content's is refused by ${mode}, and the blob is not there`, async () => {
      const { client } = target.node
      const wrong = digestOf(randomBytes(9))
      const before = await target.root()
      let path = `/v2/app/blobs/uploads/?digest=${wrong}`
      if (mode !== 'post') path = `${await client.startUpload('app')}?digest=${wrong}`
      if (mode === 'stream') await client.patch(path.split('?')[0]!, bytes)
      const method = mode === 'post' ? 'POST' : 'PUT'
      const body = mode === 'stream' ? {} : { body: bytes }
      const answer = await client.call(method, path, body)
      assert.deepEqual([answer.status, answer.code()], [400, 'DIGEST_INVALID'])
      assert.equal((await client.call('HEAD', `/v2/app/blobs/${wrong}`)).status, 404)
      assert.equal((await client.call('HEAD', `/v2/app/blobs/${digestOf(bytes)}`)).status, 404)
      assert.equal(await target.root(), before)
    })
  }

  it('B06: a PUT without a digest, or with two, is refused and the session can still be finished', async () => {
    const { client } = target.node
    const digest = digestOf(bytes)
    const upload = await client.patch(await client.startUpload('app'), bytes)
    for (const query of ['', '?digest=', `?digest=${digest}&digest=${digest}`, '?digest=latest']) {
      const right = { status: 400, code: 'DIGEST_INVALID', id: 'B06', what: query }
      await target.refuse({ ...right, method: 'PUT', path: upload + query })
    }
    await client.finish(upload, digest)
    assert.ok((await client.blob('app', digest)).equals(bytes))
  })
})
