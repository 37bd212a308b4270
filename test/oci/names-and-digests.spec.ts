import assert from 'node:assert/strict'
import fc from 'fast-check'
import { algorithmOf, digestFromBytes, digestOf, hexOf, parseDigest } from '../../src/oci/digest.ts'
import { errorTable, isRegistryError } from '../../src/oci/errors.ts'
import { parseName, parseReference, parseTag } from '../../src/oci/name.ts'

const HEX = 'a'.repeat(64)

describe('a repository name', () => {
  for (const name of [
    'a',
    'a/b',
    'a.b-c__d/e_f',
    'a--b',
    'blobs/uploads',
    'x/manifests/y',
    'constructor',
    'tags/list',
    'a'.repeat(255),
  ]) {
    it(`may be ${name.slice(0, 40)}`, () => assert.equal(parseName(name), name))
  }
  for (const name of [
    '',
    '..',
    'a/../b',
    '%2e%2e',
    'a\0',
    'A',
    'a//b',
    '/a',
    'a/',
    'a__-b',
    'a___b',
    '-a',
    'a-',
    '_catalog',
    '__proto__',
    'é',
    'а',
    'a b',
    'a\n',
    'a:b',
    'a'.repeat(256),
    undefined,
    null,
    7,
    ['a'],
  ]) {
    it(`may not be ${JSON.stringify(name)?.slice(0, 40)}`, () => {
      assert.throws(() => parseName(name), { code: 'NAME_INVALID', status: 400 })
    })
  }
})

describe('a tag', () => {
  for (const tag of ['a', '_', 'v1.0-rc_1', 'A', 'a'.repeat(128)]) {
    it(`may be ${tag.slice(0, 40)}`, () => assert.equal(parseTag(tag), tag))
  }
  for (const tag of [
    '',
    '.a',
    '-a',
    'a/b',
    'a:b',
    'a\r\nb',
    'a\n',
    'é',
    'a'.repeat(129),
    undefined,
  ]) {
    it(`may not be ${JSON.stringify(tag)?.slice(0, 40)}`, () => {
      assert.throws(() => parseTag(tag), { code: 'TAG_INVALID', status: 400 })
    })
  }
})

describe('a digest', () => {
  const wrong = [
    `sha256:${HEX.slice(1)}`,
    `sha256:${HEX}a`,
    `sha256:${HEX.toUpperCase()}`,
    `sha512:${HEX}`,
    `SHA256:${HEX}`,
    'sha256:../../x',
    'md5:abc',
    'sha256:',
    'a:b:c',
    '__proto__:x',
    `sha256:${HEX}\n`,
    'a'.repeat(10_000),
    '',
    undefined,
    1,
  ]
  for (const text of wrong) {
    it(`may not be ${JSON.stringify(text)?.slice(0, 40)}`, () => {
      assert.throws(() => parseDigest(text), { code: 'DIGEST_INVALID', status: 400 })
    })
  }
  for (const algorithm of ['sha256', 'sha512'] as const) {
    it(`of ${algorithm} is taken apart and put together again`, () => {
      const digest = digestOf(new Uint8Array([1, 2, 3]), algorithm)
      assert.equal(parseDigest(digest), digest)
      assert.equal(algorithmOf(digest), algorithm)
      assert.equal(digestFromBytes(algorithm, Buffer.from(hexOf(digest), 'hex')), digest)
    })
  }
})

describe('a reference', () => {
  it('is a digest when it has a colon, and else a tag', () => {
    assert.deepEqual(parseReference('v1'), { kind: 'tag', tag: 'v1' })
    assert.deepEqual(parseReference(`sha256:${HEX}`), { kind: 'digest', digest: `sha256:${HEX}` })
    assert.throws(() => parseReference('sha256:baddigeststring'), { code: 'DIGEST_INVALID' })
    assert.throws(() => parseReference('.x'), { code: 'TAG_INVALID' })
  })
})

describe('the parsers (properties)', () => {
  for (const [what, parse] of Object.entries({
    parseName,
    parseTag,
    parseDigest,
    parseReference,
  })) {
    it(`${what} throws nothing but a RegistryError with status 400, and else returns what it was given`, () => {
      const anything = fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.stringMatching(/^[a-z0-9._:/-]*$/),
        fc.anything(),
      )
      fc.assert(
        fc.property(anything, (value) => {
          try {
            const parsed = parse(value)
            if (typeof parsed === 'string') assert.equal(parsed, value)
          } catch (error) {
            if (!isRegistryError(error) || error.status !== 400) throw error
          }
        }),
        // What cannot even be turned into text.
        { examples: [[{ toString: 0 }], [Object.create(null)]] },
      )
    })
  }
})

describe('the error table', () => {
  it('has a sentence and an HTTP error status for every code', () => {
    for (const [code, { status, message }] of Object.entries(errorTable())) {
      assert.match(code, /^[A-Z_]+$/)
      assert.ok(status >= 400 && status < 600 && message.length > 5)
    }
  })
})
