import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { OCI_IMAGE_INDEX } from '../../src/oci/media-type.ts'
import { randomImage } from '../support/random-image.ts'
import { Target } from './refusals.ts'

const image = randomImage({ layers: [1_200_000] })
const blob = image.blobs[1]!
const path = `/v2/app/blobs/${blob.digest}`
const size = blob.bytes.length
const tags = ['a', 'b', 'c', 'd', 'e']

describe('strange reads', () => {
  const target = new Target().use()
  before(async () => {
    for (const tag of tags) await target.node.client.pushImage('app', image, { tag })
  })

  for (const listing of ['/v2/app/tags/list', '/v2/_catalog']) {
    for (const n of ['-1', 'abc', '18446744073709551616', '1e3', '0x10', '1,2', '%00']) {
      target.refuses(`B30: n=${n} of ${listing}`, [
        {
          id: 'B30',
          what: n,
          method: 'GET',
          path: `${listing}?n=${n}`,
          status: 400,
          code: ['PAGINATION_NUMBER_INVALID', 'UNSUPPORTED'],
        },
      ])
    }

    it(`B30: n=0 of ${listing} is an empty list without a link, and a huge n is as good as 1000`, async () => {
      const key = listing.endsWith('list') ? 'tags' : 'repositories'
      const none = await target.call('GET', `${listing}?n=0`)
      assert.equal(none.status, 200)
      assert.equal(none.headers['link'], undefined)
      assert.deepEqual((none.json() as Record<string, unknown>)[key], [])
      const all = await target.call('GET', `${listing}?n=1000000000`)
      assert.deepEqual(
        (all.json() as Record<string, unknown>)[key],
        key === 'tags' ? tags : ['app'],
      )
    })
  }

  it('B30: any last is a place in the order, whatever it is', async () => {
    for (const [last, expected] of [
      ['b', ['c', 'd', 'e']],
      ['bb', ['c', 'd', 'e']],
      ['', tags],
      ['%00', tags],
      ['..%2f', tags],
      ['zzz', []],
      ['z'.repeat(10_000), []],
    ] as const) {
      const answer = await target.call('GET', `/v2/app/tags/list?last=${last}`)
      assert.equal(answer.status, 200, last)
      assert.deepEqual((answer.json() as { tags: string[] }).tags, expected, last)
    }
  })

  it('B31: what is there throughout is listed exactly once while others come and go', async () => {
    const { client } = target.node
    const kept = Array.from({ length: 12 }, (_, n) => `kept-${String(n).padStart(2, '0')}`)
    for (const tag of kept) await client.pushImage('churn', image, { tag })
    let done = false
    const churn = (async () => {
      for (let n = 0; !done; n++) {
        await client.putManifest('churn', `kept-${n % 12}-x`, image)
        await client.expect(202, 'DELETE', `/v2/churn/manifests/kept-${n % 12}-x`)
      }
    })()
    for (let round = 0; round < 10; round++) {
      const seen: string[] = []
      let next: string | undefined = '/v2/churn/tags/list?n=3'
      while (next !== undefined) {
        const answer = await client.expect(200, 'GET', next)
        seen.push(...(answer.json() as { tags: string[] }).tags)
        next = /<([^>]+)>/.exec(answer.headers.get('link') ?? '')?.[1]
      }
      assert.deepEqual(
        seen.filter((tag) => !tag.endsWith('-x')),
        kept,
      )
      assert.deepEqual(seen, seen.toSorted())
    }
    done = true
    await churn
  })

  const RANGES: [range: string, status: number, from?: number, to?: number][] = [
    ['bytes=0-0', 206, 0, 1],
    ['bytes=-5', 206, size - 5, size],
    ['bytes=5-', 206, 5, size],
    ['bytes=0-99999999', 206, 0, size],
    ['bytes=-99999999', 206, 0, size],
    [`bytes=${size}-`, 416],
    ['bytes=-0', 416],
    ['bytes=99999999999999999999-', 416],
    ['bytes=0-1,5-9', 200],
    ['items=0-5', 200],
    ['bytes=abc', 200],
    ['bytes=', 200],
    [`bytes=${Array.from({ length: 1000 }, (_, n) => `${n}-${n}`).join()}`, 200],
  ]
  for (const [range, status, from = 0, to = size] of RANGES) {
    it(`B32: Range: ${range.slice(0, 40)} is ${status}`, async () => {
      const answer = await target.call('GET', path, { headers: { Range: range } })
      assert.equal(answer.status, status)
      if (status === 416) {
        assert.equal(answer.headers['content-range'], `bytes */${size}`)
        assert.equal(answer.code(), 'RANGE_INVALID')
        return
      }
      assert.ok(answer.body.equals(blob.bytes.subarray(from, to)))
      const contentRange = status === 206 ? `bytes ${from}-${to - 1}/${size}` : undefined
      assert.equal(answer.headers['content-range'], contentRange)
    })
  }

  it('B33: HEAD has the headers of GET and no body, and a known ETag is 304', async () => {
    for (const each of [path, '/v2/app/manifests/a', `/v2/app/manifests/${image.digest}`]) {
      const [get, head] = [await target.call('GET', each), await target.call('HEAD', each)]
      assert.deepEqual([get.status, head.status, head.body.length], [200, 200, 0])
      for (const name of ['content-length', 'content-type', 'docker-content-digest', 'etag'])
        assert.equal(head.headers[name], get.headers[name], name)
      assert.equal(get.headers['content-length'], String(get.body.length))
      const etag = String(get.headers.etag)
      for (const method of ['GET', 'HEAD'])
        for (const given of [etag, `W/${etag}`, '*', `"x", ${etag}`]) {
          const known = await target.call(method, each, { headers: { 'If-None-Match': given } })
          assert.deepEqual([known.status, known.body.length], [304, 0], `${method} ${given}`)
        }
      const other = await target.call('GET', each, { headers: { 'If-None-Match': '"x"' } })
      assert.equal(other.status, 200)
    }
  })

  it('B34: Accept without the stored type gets the stored type', async () => {
    for (const accept of ['application/json', OCI_IMAGE_INDEX, 'text/html;q=0.9', '']) {
      const answer = await target.call('GET', '/v2/app/manifests/a', {
        headers: { Accept: accept },
      })
      assert.equal(answer.status, 200)
      assert.equal(answer.headers['content-type'], image.mediaType)
      assert.ok(answer.body.equals(image.bytes))
    }
  })

  it('B35: referrers of what nobody knows are an empty index, whatever the filter', async () => {
    const unknown = randomImage().digest
    for (const query of ['', `?artifactType=${'x'.repeat(10_000)}`, '?artifactType=a%00b']) {
      const answer = await target.call('GET', `/v2/app/referrers/${unknown}${query}`)
      assert.equal(answer.status, 200)
      assert.equal(answer.headers['content-type'], OCI_IMAGE_INDEX)
      assert.deepEqual((answer.json() as { manifests: [] }).manifests, [])
      const applied = query === '' ? undefined : 'artifactType'
      assert.equal(answer.headers['oci-filters-applied'], applied)
    }
  })

  for (const method of ['TRACE', 'PROPFIND', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS']) {
    it(`B36: ${method} of /v2/ is 405 with Allow`, async () => {
      const answer = await target.refuse({
        id: 'B36',
        what: method,
        method,
        path: '/v2/',
        status: 405,
        code: 'UNSUPPORTED',
      })
      assert.match(String(answer.headers['allow']), /GET/)
    })
  }

  it('B36: CONNECT is closed', async () => {
    const socket = connect(target.node.port, '127.0.0.1')
    socket.on('error', () => undefined).resume()
    socket.write('CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n')
    await once(socket, 'close')
    assert.equal((await target.call('GET', '/healthz')).status, 200)
  })
})
