import fc from 'fast-check'
import { from, strangeCredentials } from './credentials.ts'
import { NO_BODY, strangeBody } from './bodies.ts'
import { USER_NAMES, USERS } from './users.ts'
import { REPOSITORIES, repository, targetText, usually } from './texts.ts'
import type { Header } from './headers.ts'
import type { BodyPlan } from './plan.ts'
import type { Basics } from './endpoint.ts'

/*
 * `/v2/token`: how clients get a token (the Docker token protocol). A daemon in mode open has nothing there.
 */

const EVERYTHING = [
  ...Array.from({ length: REPOSITORIES }, (_, n) => `repository:⟦repo:${n}⟧:pull,push,delete`),
  'repository:⟦kept⟧:pull,push,delete',
  'repository:⟦secret⟧:pull,push,delete',
  'repository:a:*',
  'registry:catalog:*',
]

const STRANGE_SCOPES = [
  ...['', ':', '::', 'repository:', 'repository::pull', 'repository:a:', 'repository:A:pull'],
  ...['repository:**:*', 'repository:../a:*', 'registry:catalog:pull', 'repository(plugin):a:pull'],
  ...['repository:a:pull,pull,__proto__', 'repository:localhost:5000/a:pull', 'a:b:c:d'],
  `repository:${'a'.repeat(300)}:*`,
  `repository:a:${'pull,'.repeat(2000)}pull`,
  Array.from({ length: 70 }, (_, n) => `repository:r${n}:*`).join(' '),
]

const scope = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...EVERYTHING, EVERYTHING.join(' ')) },
  { weight: 2, arbitrary: fc.constantFrom(...STRANGE_SCOPES) },
  { weight: 1, arbitrary: repository.map((name) => `repository:${name}:pull,push`) },
  { weight: 1, arbitrary: targetText },
)

const service = usually(8, fc.constant('heliport'), fc.constantFrom('', 'other', 'a'.repeat(5000)))

/** As browsers write a form, but for holes, and what targets cannot hold is encoded later. */
function form(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, text]) => `${name}=${text.replace(/[&#+ ]/g, percent)}`).join('&')
}

function percent(letter: string): string {
  return `%${letter.charCodeAt(0).toString(16).padStart(2, '0')}`
}

const questions = fc
  .record({
    service,
    scopes: fc.array(scope, { maxLength: 3 }),
    more: fc.subarray([
      ['account', 'writer'],
      ['client_id', 'docker'],
      ['offline_token', 'true'],
      ['service', 'twice'],
    ] as const),
  })
  .map(({ service: asked, scopes, more }) => [
    ['service', asked] as const,
    ...scopes.map((text) => ['scope', text] as const),
    ...more,
  ])

const user = fc.constantFrom(...USER_NAMES)

const presented: fc.Arbitrary<Header[]> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(user, from(1))
      .map(([name, source]): Header[] => [['Authorization', `Basic ⟦login:${name}⟧`], source]),
  },
  { weight: 2, arbitrary: fc.constant<Header[]>([]) },
  {
    weight: 2,
    arbitrary: fc.tuple(strangeCredentials, from(2)).map(([wrong, source]) => [...wrong, source]),
  },
)

/** `GET /v2/token`. */
export const askForToken: fc.Arbitrary<Basics> = fc
  .tuple(questions, presented)
  .map(([query, headers]) => ({
    method: 'GET',
    target: `/v2/token?${form(query)}`,
    headers,
    credentials: [],
  }))

const grant = fc
  .record({
    name: usually(4, user, fc.constantFrom('nobody', '', 'a:b', 'é')),
    password: usually(
      5,
      fc.constant(undefined),
      fc.constantFrom('wrong', '', '%zz', 'x'.repeat(99)),
    ),
    type: usually(8, fc.constant('password'), fc.constantFrom('refresh_token', '', 'PASSWORD')),
  })
  .map(({ name, password, type }) => [
    ['grant_type', type] as const,
    ['username', name] as const,
    ['password', password ?? encodeURIComponent(USERS[name as keyof typeof USERS] ?? '')] as const,
  ])

const formBody: fc.Arbitrary<BodyPlan> = fc
  .tuple(questions, grant)
  .map(([query, given]) => ({ kind: 'text', text: form([...given, ...query]) }))

const FORM = 'application/x-www-form-urlencoded'

/** `POST /v2/token`. */
export const postForToken: fc.Arbitrary<Basics> = fc
  .record({
    body: usually(6, formBody, fc.oneof(strangeBody, NO_BODY)),
    type: usually(9, fc.constant(FORM), fc.constantFrom(`${FORM}; charset=x`, 'text/plain', '')),
    source: from(2),
  })
  .map(({ body, type, source }) => ({
    method: 'POST',
    target: '/v2/token',
    headers: [['Content-Type', type] as Header, source],
    body,
    credentials: [],
  }))

/** How a client begins: it gets a token for all it may want to do, mostly as one who may do it. */
export const logIn: fc.Arbitrary<Basics> = fc
  .record({
    name: fc.constantFrom(
      'writer',
      'writer',
      'writer',
      'writer',
      'writer',
      'writer',
      ...USER_NAMES,
    ),
    isForm: fc.boolean(),
    source: from(1),
  })
  .map(({ name, isForm, source }): Basics => {
    const query = form([
      ['service', 'heliport'],
      ...EVERYTHING.map((text) => ['scope', text] as const),
    ])
    if (!isForm)
      return {
        method: 'GET',
        target: `/v2/token?${query}`,
        headers: [['Authorization', `Basic ⟦login:${name}⟧`], source],
        credentials: [],
      }
    const password = encodeURIComponent(USERS[name])
    const text = `grant_type=password&username=${name}&password=${password}&${query}`
    return {
      method: 'POST',
      target: '/v2/token',
      headers: [['Content-Type', FORM], source],
      body: { kind: 'text', text },
      credentials: [],
    }
  })
