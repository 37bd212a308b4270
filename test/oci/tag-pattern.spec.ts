import assert from 'node:assert/strict'
import fc from 'fast-check'
import { tryParseTag } from '../../src/oci/name.ts'
import { TagSet, tryParseTagPattern } from '../../src/oci/tag-pattern.ts'

const set = (pattern: string) => new TagSet([tryParseTagPattern(pattern)!])

describe('patterns of tags', () => {
  it('mean what a regular expression with .* for * does', () => {
    const text = (letters: string) =>
      fc.string({ unit: fc.constantFrom(...letters.split('')), maxLength: 9 })
    fc.assert(
      fc.property(text('ab.*'), text('ab.'), (pattern, text) => {
        const [parsed, tag] = [tryParseTagPattern(pattern), tryParseTag(text)]
        if (parsed === undefined || tag === undefined) return
        const source = pattern.replaceAll('.', '\\.').replaceAll('*', '.*')
        assert.equal(new TagSet([parsed]).has(tag), new RegExp(`^${source}$`).test(text))
      }),
      { numRuns: 2000 },
    )
  })

  it('are none where no tag could be meant', () => {
    for (const text of ['', '-a', '.a', 'a b', 'a/b', 'a:b', 'ä', 'a'.repeat(129), 7])
      assert.equal(tryParseTagPattern(text), undefined, String(text))
  })

  it('cost little, whatever the pattern', () => {
    assert.equal(set(`${'*a'.repeat(60)}b`).has(tryParseTag('a'.repeat(128))!), false)
  })
})
