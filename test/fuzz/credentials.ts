import fc from 'fast-check'
import { USER_NAMES } from './users.ts'
import { headerText } from './texts.ts'
import type { Header } from './headers.ts'

/*
 * `Authorization`, right, wrong and hostile. A daemon in mode open looks at none of it; one in mode token reads it all.
 * A header whose `⟦token⟧` nobody was given yet is not sent.
 */

const LONG = 'a'.repeat(8000)

const base64 = (text: string): string => Buffer.from(text).toString('base64')

const json = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const CLAIMS = {
  iss: 'heliport',
  aud: 'heliport',
  sub: 'root',
  exp: 4_000_000_000,
  access: [{ type: 'repository', name: 'kept/images', actions: ['*'] }],
}

/** Tokens that somebody made himself, or that are none. */
const FORGED = [
  'x.y.z',
  '..',
  '',
  'null',
  `${json({ alg: 'none' })}.${json(CLAIMS)}.`,
  `${json({ alg: 'HS256', typ: 'JWT' })}.${json(CLAIMS)}.${json('signature')}`,
  `${json({ alg: 'ES256', jwk: { kty: 'EC' }, jku: 'http://127.0.0.1:1/' })}.${json(CLAIMS)}.AAAA`,
  `${json({ alg: 'ES256', crit: ['x'], b64: false })}.${json(CLAIMS)}.${'A'.repeat(86)}`,
  `${json([])}.${json(null)}.${json({})}`,
  `${json({ alg: 'ES256', zip: 'DEF' })}.${'A'.repeat(6000)}.AAAA`,
]

/** Names and passwords that nobody has, and what is no such pair. */
const GUESSES = [
  base64('writer:wrong'),
  base64('nobody:x'),
  base64('writer:'),
  base64(':'),
  base64('no colon'),
  base64('writer\0:x'),
  base64(`writer:${'x'.repeat(72)}`),
  base64(`writer:${'x'.repeat(5000)}`),
  base64('__proto__:x'),
  Buffer.from([0xff, 0xfe, 0x3a, 0xff]).toString('base64'),
  '====',
  'a',
  '!',
  '',
]

const login = fc.constantFrom(...USER_NAMES).map((user) => `⟦login:${user}⟧`)

const basic = fc.oneof(login, fc.constantFrom(...GUESSES), fc.base64String({ maxLength: 40 }))

const bearer = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('⟦token⟧', '⟦tokens⟧') },
  { weight: 4, arbitrary: fc.constantFrom(...FORGED) },
  // Another signature, another header, cut, twice.
  {
    weight: 3,
    arbitrary: fc.constantFrom('⟦token⟧A', 'A⟦token⟧', '⟦token⟧.', '⟦token⟧ ⟦token⟧', '"⟦token⟧"'),
  },
)

const scheme = <T extends string>(...names: T[]): fc.Arbitrary<T> => fc.constantFrom(...names)

const value = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(scheme('Basic', 'basic', 'Basic '), basic) },
  { weight: 5, arbitrary: fc.tuple(scheme('Bearer', 'bearer', 'BEARER'), bearer) },
  { weight: 1, arbitrary: fc.tuple(scheme('Digest', 'Negotiate', 'Basic,', 'Bearer\t'), basic) },
  { weight: 1, arbitrary: fc.tuple(scheme('', 'Basic', 'Bearer', LONG), headerText) },
)

/** What somebody presents who does not do as a client does. */
export const strangeCredentials: fc.Arbitrary<Header[]> = fc
  .array(value, { minLength: 1, maxLength: 2 })
  .map((all) => all.map((parts): Header => ['Authorization', parts.join(' ')]))

/** What a client presents once it has a token. */
export const TOKEN: Header = ['Authorization', 'Bearer ⟦token⟧']

/** What an administrator presents. */
export const ADMINISTRATOR: Header = ['Authorization', 'Basic ⟦login:root⟧']

/** Usually a token, or else what the route takes in its place. */
export function credentials(usual: Header = TOKEN): fc.Arbitrary<Header[]> {
  return fc.oneof(
    { weight: 24, arbitrary: fc.constant<Header[]>([usual]) },
    { weight: 2, arbitrary: fc.constant<Header[]>([]) },
    { weight: 2, arbitrary: strangeCredentials },
  )
}

/** From where it is said to come: wrong passwords count by address, so that one does not lock all others out. */
export function from(net: number): fc.Arbitrary<Header> {
  return fc.nat(250).map((host): Header => ['X-Forwarded-For', `10.${net}.0.${host}`])
}
