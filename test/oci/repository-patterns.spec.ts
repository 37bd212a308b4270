import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseName } from '../../src/oci/name.ts'
import { RepositorySet, tryParsePattern } from '../../src/oci/repository-pattern.ts'

function setOf(...patterns: string[]): RepositorySet {
  return new RepositorySet(
    patterns.map((text) => tryParsePattern(text) ?? assert.fail(`no pattern: ${text}`)),
  )
}

const TABLE: [pattern: string, has: string[], hasNot: string[]][] = [
  ['app', ['app'], ['app/x', 'apps', 'x/app']],
  ['team/app', ['team/app'], ['team', 'app', 'team/app/x']],
  ['*', ['app', 'a-b'], ['a/b']],
  ['team/*', ['team/app'], ['team', 'team/a/b', 'teams/app']],
  ['team/**', ['team', 'team/app', 'team/a/b/c'], ['teams', 'x/team']],
  ['**', ['a', 'a/b/c'], []],
  ['**/cache', ['cache', 'a/cache', 'a/b/cache'], ['a/cache/b', 'caches']],
  ['a/**/z', ['a/z', 'a/b/z', 'a/z/z', 'a/b/c/z'], ['a', 'z', 'a/z/b']],
  ['x-*-y', ['x-1-y', 'x-a-y-y', 'x-y-y'], ['x-y', 'x-1-z']],
  ['*a*a*', ['aa', 'xaxax'], ['a', 'xax']],
  ['team*/**', ['team', 'team1/a/b'], ['tea/m']],
]

describe('repository patterns', () => {
  for (const [pattern, has, hasNot] of TABLE) {
    it(`${pattern} means ${has.join(' ')}, and not ${hasNot.join(' ')}`, () => {
      const set = setOf(pattern)
      for (const name of has) assert.ok(set.has(parseName(name)), name)
      for (const name of hasNot) assert.ok(!set.has(parseName(name)), name)
    })
  }

  it('are joined by or, and say when they mean everything', () => {
    const set = setOf('a', 'b/*')
    assert.deepEqual(
      ['a', 'b/c', 'b'].map((name) => set.has(parseName(name))),
      [true, true, false],
    )
    assert.equal(set.isAll, false)
    for (const all of ['**', '**/**']) assert.equal(setOf('a', all).isAll, true)
  })

  it('tell where nothing further down can be meant', () => {
    const set = setOf('team/app', 'base/**', 'x*/y/z')
    const may = [[], ['team'], ['team', 'app'], ['base'], ['base', 'q'], ['xx'], ['x', 'y', 'z']]
    for (const parts of may) assert.ok(set.mayHold(parts), parts.join('/'))
    const mayNot = [
      ['team', 'app', 'x'],
      ['team', 'b'],
      ['other'],
      ['x', 'q'],
      ['x', 'y', 'z', 'z'],
    ]
    for (const parts of mayNot) assert.ok(!set.mayHold(parts), parts.join('/'))
  })

  it('never mean a name whose beginnings they rule out (property)', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 3 })
    const wild = fc.oneof(part, fc.constantFrom('*', '**', 'a*', '*b', 'a*b*'))
    fc.assert(
      fc.property(
        fc.array(wild, { minLength: 1, maxLength: 6 }),
        fc.array(part, { minLength: 1, maxLength: 6 }),
        (pattern, parts) => {
          const set = setOf(pattern.join('/'))
          const name = parts.join('/')
          const regExp = pattern
            .map((each) => (each === '**' ? '(?:[^/]+/)*' : `${each.replaceAll('*', '[^/]*')}/`))
            .join('')
          assert.equal(set.has(parseName(name)), new RegExp(`^${regExp}$`).test(`${name}/`))
          if (!set.has(parseName(name))) return
          for (let length = 0; length <= parts.length; length++)
            assert.ok(set.mayHold(parts.slice(0, length)))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('are quick, however they are made', () => {
    const part = `${'*a'.repeat(30)}*b`
    const name = parseName(Array.from({ length: 85 }, () => 'aa').join('/'))
    assert.equal(setOf('**/**/**/**/*/**/x').has(name), false)
    assert.equal(setOf(part).has(parseName('a'.repeat(255))), false)
  })
})
