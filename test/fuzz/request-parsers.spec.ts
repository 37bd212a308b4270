import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import fc from 'fast-check'
import { parseContentRange } from '../../src/api/content-range.ts'
import { refuseEncodings } from '../../src/api/encodings.ts'
import { hostCheck } from '../../src/api/host-check.ts'
import { requestedRepository } from '../../src/api/namespaces.ts'
import { linkNext, pageOf } from '../../src/api/paging.ts'
import { digestQuery, mediaTypeOf, queryOf, uploadIdOf } from '../../src/api/params.ts'
import { matchesEtag, parseRange } from '../../src/api/range.ts'
import { isRegistryError } from '../../src/oci/errors.ts'
import { parseName } from '../../src/oci/name.ts'
import { outcome } from './properties.ts'
import type { RouteContext } from '../../src/api/context.ts'

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(...Array.from('0189-=, bytes/*"W:.[]')) }),
)
const size = fc.oneof(fc.nat(2000), fc.maxSafeNat())

/** As much of a context as the parsers look at. */
function context(parts: {
  querystring?: string
  headers?: Record<string, string>
  params?: Record<string, string>
  path?: string
  method?: string
}): RouteContext & { sent: Record<string, string> } {
  const { querystring = '', headers = {}, params = {}, path = '/', method = 'GET' } = parts
  const sent: Record<string, string> = {}
  const headersDistinct = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, [v]]))
  return {
    querystring,
    path,
    params,
    method,
    state: { client: { address: '', protocol: 'http', host: headers['host'] } },
    req: { headers, headersDistinct, url: path, socket: {} },
    get: (name: string) => headers[name.toLowerCase()] ?? '',
    set: (name: string, value: string) => void (sent[name] = value),
    sent,
  } as unknown as RouteContext & { sent: Record<string, string> }
}

describe('the parsers of requests (properties)', () => {
  it('Range: whatever it says, the part lies within the content', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          anyText.map((text) => `bytes=${text}`),
        ),
        size,
        (header, total) => {
          const range = parseRange(header, total)
          if (range === undefined || range === 'unsatisfiable') return
          assert.ok(range.offset >= 0 && range.length >= 1 && range.offset + range.length <= total)
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('Range: what is printed is read as it was meant', () => {
    fc.assert(
      fc.property(size, size, fc.integer({ min: 1 }), (first, last, total) => {
        const until = Math.min(last, total - 1)
        const part = { offset: first, length: until - first + 1 }
        assert.deepEqual(
          parseRange(`bytes=${first}-${last}`, total),
          first < total && first <= last ? part : 'unsatisfiable',
        )
        const rest = { offset: first, length: total - first }
        assert.deepEqual(
          parseRange(`bytes=${first}-`, total),
          first < total ? rest : 'unsatisfiable',
        )
        const length = Math.min(last, total)
        const end = length === 0 ? 'unsatisfiable' : { offset: total - length, length }
        assert.deepEqual(parseRange(`bytes=-${last}`, total), end)
      }),
    )
  })

  it('Content-Range: what is printed is read, and anything else is malformed', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (start, end) => {
        const expected = start <= end ? { start, end } : 'malformed'
        for (const text of [
          `${start}-${end}`,
          `bytes ${start}-${end}/*`,
          ` Bytes ${start}-${end}/7 `,
        ])
          assert.deepEqual(parseContentRange(text), expected)
      }),
    )
    fc.assert(
      fc.property(anyText, (text) => {
        const range = parseContentRange(text)
        if (range === 'malformed') return
        assert.ok(
          range !== undefined && range.start <= range.end && Number.isSafeInteger(range.end),
        )
        assert.match(text, new RegExp(`0*${range.start}-0*${range.end}`))
      }),
      { numRuns: 1000 },
    )
  })

  it('If-None-Match: finds a tag in any list, and nothing in what only looks like it', () => {
    const tag = fc.stringMatching(/^"[!#-~]{0,20}"$/).filter((text) => !text.includes(','))
    const list = fc.array(fc.tuple(fc.constantFrom('', 'W/'), tag), { maxLength: 5 })
    fc.assert(
      fc.property(list, tag, (items, etag) => {
        const header = items.map((item) => item.join('')).join(', ')
        assert.equal(
          matchesEtag(header, etag),
          items.some(([, each]) => each === etag),
        )
        assert.ok(matchesEtag(`${header}, W/${etag}`, etag))
      }),
    )
    fc.assert(fc.property(anyText, (text) => void matchesEtag(text, '"x"')))
  })

  it('n and last: a page is of 0 to 1000, or PAGINATION_NUMBER_INVALID', () => {
    const query = fc.oneof(
      anyText,
      fc.tuple(fc.constantFrom('n', 'last', 'N', 'n[]'), anyText).map((pair) => pair.join('=')),
    )
    fc.assert(
      fc.property(fc.array(query, { maxLength: 3 }), (parts) => {
        const ctx = context({ querystring: parts.join('&') })
        const page = outcome(
          () => pageOf(ctx),
          (error) => isRegistryError(error, 'PAGINATION_NUMBER_INVALID'),
        )
        if (page === undefined) return
        assert.ok(Number.isInteger(page.limit) && page.limit >= 0 && page.limit <= 1000)
        assert.notEqual(page.after, '')
      }),
      { numRuns: 1000 },
    )
  })

  it('Link: is visible ASCII that leads back to the same page, whatever the names are', () => {
    const parameters = fc.dictionary(
      fc.constantFrom('n', 'last', 'artifactType'),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(parameters, (given) => {
        fc.pre(Object.values(given).every((text) => text.isWellFormed()))
        const ctx = context({ path: '/v2/_catalog' })
        linkNext(ctx, given)
        const link = ctx.sent['Link'] ?? ''
        assert.match(link, /^<\/v2\/_catalog\?[!-;=?-~]*>; rel="next"$/)
        const query = new URLSearchParams(link.slice(link.indexOf('?') + 1, link.indexOf('>')))
        assert.deepEqual(Object.fromEntries(query), { ...given })
      }),
    )
  })

  it('ns: leads below its prefix and nowhere else, and changes nothing', () => {
    const prefixes = { 'docker.io': '', 'ghcr.io': 'mirror/ghcr', '[::1]:5000': 'six' }
    const name = fc.oneof(fc.constantFrom('app', 'a/b', '../x', 'mirror/ghcr/app', ''), anyText)
    const ns = fc.oneof(
      fc.constantFrom(
        ...Object.keys(prefixes),
        'Docker.io',
        'constructor',
        '../',
        'ghcr.io&ns=docker.io',
      ),
      anyText,
    )
    fc.assert(
      fc.property(
        name,
        fc.option(ns),
        fc.constantFrom('GET', 'HEAD', 'PUT', 'DELETE'),
        (asked, given, method) => {
          const ctx = context({ method, querystring: given === null ? '' : `ns=${given}` })
          const found = outcome(
            () => requestedRepository(ctx, asked, prefixes),
            (error) => isRegistryError(error, 'NAME_INVALID'),
          )
          if (found === undefined) return
          assert.equal(found.asked, asked)
          if (found.wrong !== undefined) {
            assert.ok([400, 404].includes(found.wrong.status))
            assert.equal(parseName(found.name), found.name)
            return
          }
          const prefix = Object.entries(prefixes).find(
            ([key]) => key === found.namespace?.toLowerCase(),
          )?.[1]
          assert.equal(prefix === undefined, found.namespace === undefined)
          assert.equal(found.name, prefix ? `${prefix}/${asked}` : asked)
          if (prefix !== undefined) assert.ok(['GET', 'HEAD'].includes(method))
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('digest: one that is right, or DIGEST_INVALID', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          anyText.map((text) => `digest=${text}`),
        ),
        (querystring) => {
          outcome(
            () => digestQuery(context({ querystring })),
            (error) => isRegistryError(error, 'DIGEST_INVALID'),
          )
        },
      ),
    )
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f]{64}$/), (hex) => {
        const digest = `sha256:${hex}`
        assert.equal(
          digestQuery(context({ querystring: `digest=${encodeURIComponent(digest)}` })),
          digest,
        )
      }),
    )
  })

  it('an upload’s id: one that is a file’s name, or BLOB_UPLOAD_UNKNOWN', () => {
    fc.assert(
      fc.property(anyText, (id) => {
        const ctx = context({ params: { id } })
        const known = outcome(
          () => uploadIdOf(ctx),
          (error) => isRegistryError(error, 'BLOB_UPLOAD_UNKNOWN'),
        )
        assert.equal(known, /^[\w-]{1,128}$/.test(id) ? id : undefined)
      }),
    )
  })

  it('Content-Type and queries: are read whatever they are', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const type = mediaTypeOf(context({ headers: { 'content-type': text } }))
        assert.ok(
          type === undefined || (!type.includes(';') && type === type.trim() && type !== ''),
        )
        void queryOf(context({ querystring: text }))
      }),
    )
  })

  it('Content-Encoding and Transfer-Encoding: nothing but plain bodies goes on', async () => {
    const coding = fc.oneof(
      anyText,
      fc.constantFrom('gzip', 'IDENTITY', 'chunked', 'identity, gzip', ''),
    )
    await fc.assert(
      fc.asyncProperty(coding, coding, async (content, transfer) => {
        const headers = { 'content-encoding': content, 'transfer-encoding': transfer }
        let went = false
        const next = (): Promise<void> => {
          went = true
          return Promise.resolve()
        }
        outcome(
          () => void refuseEncodings()(context({ headers }), next),
          (error) => isRegistryError(error, 'UNSUPPORTED') && error.status === 415,
        )
        const isPlain = [content, transfer].every((text) =>
          ['', 'identity', 'chunked'].includes(text.trim().toLowerCase()),
        )
        if (went) assert.ok(isPlain)
      }),
    )
  })
})

describe('the check of Host and Origin (properties)', () => {
  const part = fc.constantFrom(
    ...[
      'localhost',
      'evil.example',
      '127.0.0.1',
      '127.1',
      '0x7f000001',
      '[::1]',
      '[::ffff:1.2.3.4]',
    ],
    ...[
      '.',
      ':',
      '@',
      '5000',
      '80',
      '99999',
      '/',
      '#',
      '?',
      ' ',
      '%00',
      '%2e',
      'LOCALHOST',
      'a',
      '。',
    ],
  )
  const authority = fc.oneof(
    fc.array(part, { maxLength: 4 }).map((parts) => parts.join('')),
    fc.string({ unit: 'grapheme-ascii' }),
  )
  const check = hostCheck(['registry.example'], { isOpen: true })
  const passes = (headers: Record<string, string>): boolean =>
    outcome(
      () => {
        void check(context({ headers }), () => Promise.resolve())
        return true
      },
      (error) => isRegistryError(error) && [400, 403].includes(error.status),
    ) ?? false

  /** What a browser makes of it, which decides whose page the request is from. */
  function urlOf(text: string): URL | undefined {
    return URL.canParse(text) ? new URL(text) : undefined
  }

  function isOurs({ hostname }: URL): boolean {
    const name = hostname.replace(/^\[|\]$|\.$/g, '')
    return (
      name === 'localhost' ||
      name.endsWith('.localhost') ||
      isIP(name) !== 0 ||
      name === 'registry.example'
    )
  }

  it('a host that passes is, for a browser, no foreign name', () => {
    fc.assert(
      fc.property(authority, (host) => {
        const url = urlOf(`http://${host}/`)
        if (passes({ host }) && url !== undefined) assert.ok(isOurs(url), url.hostname)
      }),
      { numRuns: 2000 },
    )
  })

  const good = fc.constantFrom(
    'localhost',
    'localhost:5000',
    '127.0.0.1:80',
    '[::1]',
    'registry.example',
  )

  it('an origin that passes is, for a browser, the host it asks', () => {
    fc.assert(
      fc.property(
        good,
        authority,
        fc.constantFrom('http://', 'https://', ''),
        (host, rest, scheme) => {
          const origin = scheme + rest
          if (origin === '' || !passes({ host, origin })) return
          const [asked, from] = [urlOf(`http://${host}/`), urlOf(origin)]
          if (asked === undefined || from === undefined) return
          assert.equal(from.hostname.replace(/\.$/, ''), asked.hostname.replace(/\.$/, ''))
        },
      ),
      { numRuns: 2000 },
    )
  })
})
