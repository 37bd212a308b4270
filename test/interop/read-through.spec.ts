import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { randomImage } from '../support/random-image.ts'
import { twoNodes } from '../support/two-nodes.ts'

const WHOLE_LENGTH = 3_400_000

describe('reading a blob through a mirror', () => {
  for (const [range, from, to] of [
    ['bytes=0-0', 0, 1],
    ['bytes=1048570-1048580', 1_048_570, 1_048_581],
    ['bytes=-10', WHOLE_LENGTH - 10, WHOLE_LENGTH],
    ['bytes=2500000-', 2_500_000, WHOLE_LENGTH],
  ] as const) {
    it(`gives ${range} of one that nobody has proven yet`, async () => {
      await using nodes = await twoNodes()
      const { a, b } = nodes
      const image = randomImage({ layers: [WHOLE_LENGTH] })
      await a.client.pushImage('app', image, { tag: 'v1' })
      await b.follows(a)
      const layer = image.blobs[1]!
      const path = `/v2/app/blobs/${layer.digest}`
      const part = await b.client.expect(206, 'GET', path, { headers: { Range: range } })
      assert.ok(part.body.equals(layer.bytes.subarray(from, to)))
      assert.equal(
        part.headers.get('content-range'),
        `bytes ${from}-${to - 1}/${layer.bytes.length}`,
      )
      // The part was proven by reading the whole, so the rest is here.
      await a.stop()
      assert.equal(digestOf(await b.client.blob('app', layer.digest)), layer.digest)
    })
  }

  it('answers 416 for a range outside, and fetches nothing for a HEAD', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const bytes = Buffer.alloc(1_200_000, 'x')
    const digest = await a.client.pushBlob('app', bytes)
    await b.follows(a)
    const path = `/v2/app/blobs/${digest}`
    const outside = await b.client.call('GET', path, { headers: { Range: 'bytes=1200000-' } })
    assert.deepEqual([outside.status, outside.code()], [416, 'RANGE_INVALID'])
    const head = await b.client.expect(200, 'HEAD', path)
    assert.equal(head.headers.get('content-length'), '1200000')
    assert.equal(head.headers.get('docker-content-digest'), digest)
    await a.stop()
    const get = await b.client.call('GET', path)
    assert.deepEqual([get.status, get.code()], [503, 'UNAVAILABLE'])
  })

  it('serves 20 pulls of the same blob at once, whole and in parts', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const image = randomImage({ layers: [4_300_000] })
    await a.client.pushImage('app', image, { tag: 'v1' })
    await b.follows(a)
    const layer = image.blobs[1]!
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        if (n % 4 !== 0) {
          assert.ok((await b.client.blob('app', layer.digest)).equals(layer.bytes))
          return
        }
        const headers = { Range: `bytes=${n * 200_000}-${n * 200_000 + 999_999}` }
        const path = `/v2/app/blobs/${layer.digest}`
        const { body } = await b.client.expect(206, 'GET', path, { headers })
        assert.ok(body.equals(layer.bytes.subarray(n * 200_000, n * 200_000 + 1_000_000)))
      }),
    )
  })

  it('goes on for the others when one of those who wait goes away', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const image = randomImage({ layers: [6_200_000] })
    await a.client.pushImage('app', image, { tag: 'v1' })
    await b.follows(a)
    const path = `/v2/app/blobs/${image.blobs[1]!.digest}`
    const leave = new AbortController()
    const left = fetch(new URL(path, b.client.url), { signal: leave.signal })
    const ranged = fetch(new URL(path, b.client.url), {
      signal: leave.signal,
      headers: { Range: 'bytes=5-9' },
    })
    const outcomes = Promise.allSettled([left, ranged])
    const others = [1, 2, 3].map(() => b.client.blob('app', image.blobs[1]!.digest))
    leave.abort()
    await outcomes
    for (const bytes of await Promise.all(others)) assert.ok(bytes.equals(image.blobs[1]!.bytes))
  })
})

describe('a node without a key of its own', () => {
  it('serves its mirror, and answers 405 to every write', async () => {
    await using nodes = await twoNodes({ readOnly: true })
    const { a, b } = nodes
    const image = randomImage()
    await a.client.pushImage('app', image, { tag: 'v1' })
    await b.follows(a)
    assert.equal((await b.status()).ipns, null)
    await b.client.pullsExactly('app', 'v1', image)
    const { storage } = await b.status()
    const put = { headers: { 'Content-Type': image.mediaType }, body: image.bytes }
    const blob = image.blobs[0]!
    for (const [method, path, call] of [
      ['POST', '/v2/app/blobs/uploads/', {}],
      ['POST', `/v2/app/blobs/uploads/?digest=${blob.digest}`, { body: blob.bytes }],
      ['POST', `/v2/other/blobs/uploads/?mount=${blob.digest}&from=app`, {}],
      ['PUT', '/v2/app/manifests/v2', put],
      ['PUT', `/v2/app/manifests/${image.digest}`, put],
      ['DELETE', '/v2/app/manifests/v1', {}],
      ['DELETE', `/v2/app/manifests/${image.digest}`, {}],
      ['DELETE', `/v2/app/blobs/${blob.digest}`, {}],
    ] as const) {
      const answer = await b.client.call(method, path, call)
      assert.deepEqual([answer.status, answer.code()], [405, 'UNSUPPORTED'], `${method} ${path}`)
    }
    assert.equal((await b.status()).storage.root, storage.root)
    await b.client.pullsExactly('app', 'v1', image)
  })
})
