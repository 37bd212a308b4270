import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { randomImage } from '../support/random-image.ts'
import { Target } from './refusals.ts'
import type { Refusal } from './refusals.ts'

const image = randomImage()
const sha = digestOf(image.bytes)

/** A name in every place where one can stand. The router may not find the address at all: 404 is as good. */
function everywhere(id: string, what: string, name: string): Refusal[] {
  const right = {
    id,
    what,
    status: [400, 404],
    code: ['NAME_INVALID', 'UNSUPPORTED'],
  }
  const put = { headers: { 'Content-Type': image.mediaType }, body: image.bytes }
  return [
    { ...right, method: 'GET', path: `/v2/${name}/manifests/latest` },
    { ...right, method: 'PUT', path: `/v2/${name}/manifests/latest`, ...put },
    { ...right, method: 'DELETE', path: `/v2/${name}/manifests/latest` },
    { ...right, method: 'GET', path: `/v2/${name}/blobs/${sha}` },
    { ...right, method: 'POST', path: `/v2/${name}/blobs/uploads/` },
    {
      ...right,
      method: 'POST',
      path: `/v2/${name}/blobs/uploads/?digest=${sha}`,
      body: image.bytes,
    },
    { ...right, method: 'GET', path: `/v2/${name}/tags/list` },
    { ...right, method: 'GET', path: `/v2/${name}/referrers/${sha}` },
  ]
}

const NAMES: Record<string, string> = {
  'two dots': '..',
  'a way up': 'a/../b',
  'an encoded way up': '%2e%2e%2f%2e%2e%2fetc',
  'an encoded slash and dots': 'a%2f..%2fb',
  'a doubly encoded way up': '%252e%252e%252f',
  'a zero byte': 'a%00b',
  'a line break': 'a%0d%0aX-Injected:%20yes',
  'a capital letter': 'A',
  'an empty part': 'a//b',
  'separators in a row': 'a__-b',
  'three underscores': 'a___b',
  'a dash at the beginning': '-a',
  'a dot at the end': 'a.',
  '256 characters': 'a'.repeat(256),
  'ten thousand characters': 'a/'.repeat(5000) + 'a',
  'a letter that only looks like a': '%D0%B0pp',
  'a full-width letter': '%EF%BD%81',
  'a space': 'a%20b',
  'a percent sign that begins nothing': 'a%zz',
  'half a character': '%C3',
  'a branch of the tree': '_layers',
  'a branch inside': 'a/_manifests',
  'a Windows path': 'c:%5Cwindows',
}

describe('bad names and tags', () => {
  const target = new Target().use()

  for (const [what, name] of Object.entries(NAMES)) {
    target.refuses(`B01: a name with ${what}`, everywhere('B01', what, name))
  }

  for (const name of ['__proto__', 'constructor/..', 'x/_catalog', '_catalog/x']) {
    target.refuses(`B02: the reserved name ${name}`, everywhere('B02', name, name))
  }

  for (const name of [
    'constructor',
    'prototype/tostring',
    'blobs/uploads',
    'x/manifests/y',
    'tags/list',
    'referrers/v2',
    'x/blobs/uploads/y',
    'v2',
    'current/link',
  ]) {
    it(`B02: ${name} is a repository like any other`, async () => {
      const { client } = target.node
      await client.pushImage(name, image, { tag: 'manifests' })
      await client.pushImage(name, image, { tag: 'link' })
      await client.pullsExactly(name, 'manifests', image)
      await client.pullsExactly(name, image.digest, image)
      assert.deepEqual(await client.tags(name), ['link', 'manifests'])
      assert.ok((await client.catalog()).includes(name))
      assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
    })
  }

  describe('B28: a tag', () => {
    it('of 128 characters is taken', async () => {
      const { client } = target.node
      for (const tag of ['t'.repeat(128), '_', 'A.b-c_', '0']) {
        await client.pushImage('tags', image, { tag })
        await client.pullsExactly('tags', tag, image)
      }
    })

    const tags: Record<string, string> = {
      'of 129 characters': 't'.repeat(129),
      'with a dot at its beginning': '.a',
      'with a dash at its beginning': '-a',
      'with a line break': 'a%0d%0aX-Injected:%20yes',
      'with a slash': 'a%2fb',
      'with a zero byte': 'a%00',
      'with a space': 'a%20b',
      'that is two dots': '%2e%2e',
      'with a letter of another script': '%D0%B0',
    }
    for (const [what, tag] of Object.entries(tags)) {
      target.refuses(
        what,
        ['GET', 'PUT', 'DELETE'].map((method) => ({
          id: 'B28',
          what,
          method,
          path: `/v2/tags/manifests/${tag}`,
          status: [400, 404],
          code: ['TAG_INVALID', 'DIGEST_INVALID', 'MANIFEST_UNKNOWN', 'UNSUPPORTED'],
          headers: { 'Content-Type': image.mediaType },
          ...(method === 'PUT' ? { body: image.bytes } : {}),
        })),
      )
    }

    it('that is empty is no address, and nothing of a tag gets into the headers', async () => {
      for (const path of ['/v2/tags/manifests/', '/v2/tags/manifests/a%0d%0aX-Injected:%20yes']) {
        const answer = await target.call('GET', path)
        assert.ok([400, 404].includes(answer.status))
        assert.equal(answer.headers['x-injected'], undefined)
      }
    })
  })
})
