import fc from 'fast-check'
import { digest, repository, tag, targetText, usually } from './texts.ts'

/** A query's parameters, some of them twice or without a value, and in other spellings. */
export type Query = fc.Arbitrary<string>

const NUMBERS = ['0', '1', '2', '5', '1000', '1001', '1e9', '-1', '+1', 'abc', '', '1.5', '0x10']
const HUGE = ['9223372036854775807', '9223372036854775808', '9'.repeat(20), '9'.repeat(5000), '%31']

const number = fc.constantFrom(...NUMBERS, ...HUGE)
const word = usually(3, tag, fc.oneof(targetText.map(plain), fc.constant('a'.repeat(9000))))

/** In a query these would begin something else. */
function plain(text: string): string {
  return text.replace(/[&#]/g, '')
}

const parameter = (name: string, value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  value.map((text) => `${name}=${text}`)

const junk = fc.oneof(
  fc.constantFrom('', 'a', '=', '&&', '%', '%zz=%', 'n[]=1', '__proto__=1', '?', '%00=1'),
  targetText.map((text) => text.replace(/#/g, '')),
)

/** Joins parameters: rightly, or with one left out, repeated, or junk beside them. */
function query(...parts: fc.Arbitrary<string>[]): Query {
  const right = fc.tuple(...parts).map((all) => all.filter((part) => part !== '').join('&'))
  const wrong = fc.array(fc.oneof(...parts, junk), { maxLength: 4 }).map((all) => all.join('&'))
  return usually(6, right, wrong).map((text) => (text === '' ? '' : `?${text}`))
}

const absent = fc.constant('')
const optional = (part: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.oneof(absent, part)

/** For listings. */
export const paging = query(optional(parameter('n', number)), optional(parameter('last', word)))

/** For the referrers of a manifest. */
export const filtering = query(
  optional(
    parameter(
      'artifactType',
      fc.constantFrom('application/vnd.example+json', 'application%2Fx', '', 'a'.repeat(5000)),
    ),
  ),
  optional(parameter('last', digest)),
)

/** For PUT of a manifest by its digest. */
export const tagging = usually(
  2,
  absent,
  query(parameter('tag', tag), optional(parameter('tag', tag)), optional(parameter('tag', word))),
)

/** For the end of an upload: `digest` is usually that of what was sent. */
export function finishing(right: string): Query {
  return query(parameter('digest', usually(5, fc.constant(right), digest)))
}

/** For the start of an upload. */
export const starting = fc.oneof(
  { weight: 6, arbitrary: absent },
  { weight: 4, arbitrary: query(parameter('digest', usually(5, fc.constant('⟦own⟧'), digest))) },
  { weight: 1, arbitrary: fc.constant('?digest=⟦own512⟧') },
  {
    weight: 3,
    arbitrary: query(
      parameter('mount', digest),
      optional(parameter('from', repository.map(plain))),
    ),
  },
  {
    weight: 1,
    arbitrary: query(
      parameter('digest-algorithm', fc.constantFrom('sha256', 'sha512', 'md5', '', 'SHA512')),
    ),
  },
)

/** For routes that have no parameters. */
export const unwanted = usually(5, absent, query(junk))
