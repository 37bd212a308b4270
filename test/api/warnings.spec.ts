import assert from 'node:assert/strict'
import fc from 'fast-check'
import { warningValues } from '../../src/api/warnings.ts'
import { startApi } from '../support/http.ts'
import type { Answer, TestApi } from '../support/http.ts'

const MANIFEST = JSON.stringify({ mediaType: 'application/vnd.oci.image.manifest.v1+json' })

/** The lines of an answer's `Warning`, apart; Node joins them with a comma and a blank. */
function warnings({ headers }: Answer): string[] {
  const text = headers['warning']
  return typeof text === 'string' ? text.split(/, (?=299 )/) : []
}

describe('api: warnings', () => {
  let api: TestApi
  let digest: string

  before(async () => {
    api = await startApi()
    const { headers } = await api.call('PUT', '/v2/a/manifests/v1', { body: MANIFEST })
    digest = String(headers['docker-content-digest'])
    api.service.notices = [
      { mirror: 'k51one', kind: 'stale', since: Date.UTC(2026, 10, 4, 10) },
      { mirror: 'registry.example', kind: 'skipped' },
      { mirror: 'k51two', kind: 'waiting' },
      { mirror: 'k51old', kind: 'outdated', since: Date.UTC(2026, 9, 1) },
    ]
  })
  after(() => api.close())

  const expected = [
    '299 - "mirror k51one may be out of date: its newest state is not known since 2026-11-04T10:00:00.000Z"',
    '299 - "mirror registry.example could not be read now: what it has may be missing here"',
    '299 - "mirror k51two has not been reached so far: what it has is missing here"',
    '299 - "mirror k51old is out of date and not listed: its newest state is not known since 2026-10-01T00:00:00.000Z"',
  ]
  const about = [
    ['GET', '/v2/a/manifests/v1'],
    ['HEAD', '/v2/a/manifests/v1'],
    ['GET', '/v2/a/tags/list'],
    ['GET', '/v2/a/tags/list?n=0'],
    ['GET', '/v2/_catalog'],
    ['GET', `/v2/a/referrers/sha256:${'0'.repeat(64)}`],
  ] as const
  for (const [method, path] of about) {
    it(`go with ${method} ${path}, one header each`, async () => {
      const answer = await api.call(method, path)
      assert.deepEqual([answer.status, warnings(answer)], [200, expected])
    })
  }

  it('go with a 304 of a tag, whose copy may be as old', async () => {
    const headers = { 'if-none-match': `"${digest}"` }
    const answer = await api.call('GET', '/v2/a/manifests/v1', { headers })
    assert.deepEqual([answer.status, warnings(answer)], [304, expected])
  })

  for (const path of [
    '/v2/a/manifests/nothing',
    `/v2/a/manifests/sha256:${'0'.repeat(64)}`,
    `/v2/a/blobs/sha256:${'0'.repeat(64)}`,
    '/v2/nothing/tags/list',
  ]) {
    it(`go with the 404 of ${path}, which may be for want of a mirror`, async () => {
      for (const method of ['GET', 'HEAD']) {
        const answer = await api.call(method, path)
        assert.deepEqual([answer.status, warnings(answer)], [404, expected])
      }
    })
  }

  const without = [
    ['GET', '/v2/a/manifests/<digest>', 200],
    ['HEAD', '/v2/a/manifests/<digest>', 200],
    ['GET', '/v2/', 200],
    ['GET', '/v2/a/manifests/.no-tag', 404],
    ['GET', '/nowhere', 404],
    ['PUT', '/v2/a/manifests/v2', 201],
    ['DELETE', '/v2/a/manifests/v2', 202],
  ] as const
  for (const [method, path, status] of without) {
    it(`do not go with ${method} ${path}`, async () => {
      const options = method === 'PUT' ? { body: MANIFEST } : {}
      const answer = await api.call(method, path.replace('<digest>', digest), options)
      assert.deepEqual([answer.status, warnings(answer)], [status, []])
    })
  }
})

describe('the values of Warning headers', () => {
  it('are what the distribution-spec allows, whatever is in a name (property)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', maxLength: 150 }), { maxLength: 40 }),
        (all) => {
          const values = warningValues(all)
          const bytes = values.reduce((sum, value) => sum + `Warning: ${value}\r\n`.length, 0)
          assert.ok(bytes <= 4096, `${bytes} bytes`)
          for (const value of values)
            assert.match(value, /^299 - "(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"$/)
          if (all.length > 0) assert.ok(values.length > 0)
          if (values.length < all.length) {
            const rest = all.length - values.length + 1
            assert.equal(values.at(-1), `299 - "and ${rest} more warnings like these"`)
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  for (const [sentence, value] of [
    ['a "b" \\ c', String.raw`299 - "a \"b\" \\ c"`],
    ['a\r\nSet-Cookie: x', '299 - "a??Set-Cookie: x"'],
    ['grün', '299 - "gr?n"'],
  ] as const) {
    it(`quote ${JSON.stringify(sentence)}`, () => {
      assert.deepEqual(warningValues([sentence]), [value])
    })
  }

  it('cut a sentence that is too long alone, and not in the middle of an escape', () => {
    const [value] = warningValues(['"'.repeat(10_000)])
    assert.equal(value, `299 - "${String.raw`\"`.repeat(1000)}"`)
  })
})
