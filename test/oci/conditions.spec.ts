import assert from 'node:assert/strict'
import fc from 'fast-check'
import { checkConditions, parseConditions } from '../../src/oci/conditions.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { isRegistryError } from '../../src/oci/errors.ts'
import type { Digest } from '../../src/oci/digest.ts'

const ONE = digestOf(Buffer.from('1'))
const OTHER = digestOf(Buffer.from('2'))

/** Whether a request with these headers is for what there is. */
function holds(headers: { match?: string; none?: string }, current: Digest | undefined): boolean {
  const conditions = parseConditions(headers.match, headers.none)
  assert.ok(conditions)
  try {
    checkConditions(conditions, current)
    return true
  } catch (error) {
    assert.ok(isRegistryError(error, 'DENIED') && error.status === 412, String(error))
    return false
  }
}

describe('the conditions of a request (RFC 9110 13.1)', () => {
  const etag = (digest: string) => `"${digest}"`
  const lists = [`"x", ${etag(ONE)}`, `W/"x",${etag(ONE)} ,"y"`, `, ,${etag(ONE)},`]

  it('are none without the headers', () => {
    assert.equal(parseConditions(undefined, undefined), undefined)
  })

  for (const match of [etag(ONE), ...lists]) {
    it(`If-Match: ${match} is for nothing but that`, () => {
      assert.deepEqual(
        [ONE, OTHER, undefined].map((now) => holds({ match }, now)),
        [true, false, false],
      )
    })
    it(`If-None-Match: ${match} is for all but that`, () => {
      assert.deepEqual(
        [ONE, OTHER, undefined].map((now) => holds({ none: match }, now)),
        [false, true, true],
      )
    })
  }

  it('compare strongly for If-Match, and weakly for If-None-Match', () => {
    const weak = `W/${etag(ONE)}`
    assert.deepEqual([holds({ match: weak }, ONE), holds({ none: weak }, ONE)], [false, false])
  })

  it('* is whatever there is', () => {
    for (const match of ['*', ' * ']) {
      assert.deepEqual([holds({ match }, ONE), holds({ match }, undefined)], [true, false])
      assert.deepEqual(
        [holds({ none: match }, ONE), holds({ none: match }, undefined)],
        [false, true],
      )
    }
  })

  it('both have to hold', () => {
    const both = { match: '*', none: etag(ONE) }
    assert.deepEqual(
      [ONE, OTHER, undefined].map((now) => holds(both, now)),
      [false, true, false],
    )
  })

  it('an empty list names nothing', () => {
    for (const text of ['', ' ', ',', '""'])
      assert.deepEqual([holds({ match: text }, ONE), holds({ none: text }, ONE)], [false, true])
  })

  for (const text of [
    ONE,
    "'x'",
    '"x',
    'x"',
    '"a" "b"',
    '*, "a"',
    '"a", *',
    'w/"a"',
    'W/ "a"',
    '"a b"',
  ])
    it(`${text} is refused, for what it was to keep from happening must not happen`, () => {
      const refused = { code: 'UNSUPPORTED', status: 400 }
      assert.throws(() => parseConditions(text, undefined), refused)
      assert.throws(() => parseConditions(undefined, text), refused)
    })

  it('of any list give back the tags that were written (property)', () => {
    const tag = fc.stringMatching(/^[\x21\x23-\x7e]{0,8}$/)
    const blank = fc.constantFrom('', ' ', '\t', ' , ', ',')
    const item = fc.record({ tag, weak: fc.boolean(), blank })
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 20 }), (items) => {
        const text = items.map((i) => `${i.blank}${i.weak ? 'W/' : ''}"${i.tag}"`).join(',')
        const { match, noneMatch } = parseConditions(text, text) ?? {}
        assert.deepEqual(noneMatch, new Set(items.map((i) => i.tag)))
        assert.deepEqual(match, new Set(items.filter((i) => !i.weak).map((i) => i.tag)))
      }),
    )
  })

  it('of any text are read or refused, in a time that its length tells (property)', () => {
    const part = fc.constantFrom('"', 'W/', ',', ' ', '\t', '*', 'a', '\xff', '"a"')
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 50 }),
        fc.integer({ min: 1, max: 300 }),
        (parts, n) => {
          const text = parts.join('').repeat(n).slice(0, 16_384)
          try {
            parseConditions(text, text)
          } catch (error) {
            assert.ok(isRegistryError(error, 'UNSUPPORTED'), String(error))
          }
        },
      ),
      { numRuns: 200 },
    )
  })
})
