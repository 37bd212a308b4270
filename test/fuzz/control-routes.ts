import fc from 'fast-check'
import { ADMINISTRATOR, credentials, from } from './credentials.ts'
import { NO_BODY, strangeBody } from './bodies.ts'
import { targetText, usually } from './texts.ts'
import type { Header } from './headers.ts'
import type { BodyPlan } from './plan.ts'
import type { Basics, Endpoint } from './endpoint.ts'

/*
 * What runs the daemon itself: on its Unix socket, and a part of it on the HTTP port for administrators. Nothing here
 * takes away what was acknowledged: `isHarmless` (render.ts) keeps back what would.
 */

const text = (value: unknown): BodyPlan => ({ kind: 'text', text: JSON.stringify(value) })

/** Bodies that the route takes, mostly; and others that it must not. */
function body(right: fc.Arbitrary<object>, weight = 3): fc.Arbitrary<BodyPlan> {
  return usually(weight, right.map(text), wrong(right))
}

/** The other way round. */
function seldom(right: fc.Arbitrary<object>): fc.Arbitrary<BodyPlan> {
  return usually(3, wrong(right), right.map(text))
}

function wrong(right: fc.Arbitrary<object>): fc.Arbitrary<BodyPlan> {
  return fc.oneof(
    {
      weight: 3,
      arbitrary: fc.tuple(right, key, odd).map(([value, k, v]) => text({ ...value, [k]: v })),
    },
    {
      weight: 2,
      arbitrary: fc.json({ maxDepth: 3 }).map((json): BodyPlan => ({ kind: 'text', text: json })),
    },
    { weight: 1, arbitrary: strangeBody },
    { weight: 1, arbitrary: NO_BODY },
    {
      weight: 1,
      arbitrary: fc.constant<BodyPlan>({ kind: 'repeated', text: '[', times: 70_000 }),
    },
  )
}

const key = fc.constantFrom(
  'root',
  'from',
  'to',
  'dryRun',
  'repair',
  'name',
  'x',
  '__proto__',
  'directory',
)
/** Never the directory of something real: what is no absolute path of these would be written to. */
const odd = fc.constantFrom<unknown>('', null, 0, 1, true, 'yes', [], {}, '/dev/null/x', '\0')

const flag = (name: string): fc.Arbitrary<object> =>
  fc.constantFrom({}, { [name]: true }, { [name]: false }, { [name]: true })

const root = fc.oneof(
  { weight: 4, arbitrary: fc.nat(30).map((n) => `⟦root:${n}⟧`) },
  { weight: 3, arbitrary: fc.nat(200).map(String) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...['', '0', '-1', '999999999999999', '1e3', 'baf', 'bafy', `bafy${'a'.repeat(55)}`],
      ...['QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG', '../x', '\0', 'a'.repeat(128), 'é'],
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 10 }) },
)

const KEY_NAMES = ['fuzz-0', 'fuzz-1', 'registry', 'self', '', '../x', '__proto__', 'a'.repeat(300)]
const keyName = fc.oneof(fc.constantFrom(...KEY_NAMES), fc.string({ maxLength: 5 }))
const named = keyName.map((name) => ({ name }))

const imported = fc.record(
  {
    name: keyName,
    key: fc.oneof(
      fc
        .uint8Array({ maxLength: 80 })
        .map((bytes) => Buffer.from([8, 1, 18, ...bytes]).toString('base64')),
      fc.base64String(),
      fc.string({ maxLength: 8 }),
    ),
    replace: fc.boolean(),
  },
  { requiredKeys: ['name', 'key'] },
)

/** Where nothing can be written, but for the places that are made for it. */
const PLACES = [
  '/',
  '/dev/null',
  '/dev/null/x',
  '/proc/x',
  '/proc/self/x',
  '/a\0b',
  `/${'a'.repeat(300)}`,
  '',
]
const directory = fc
  .oneof(
    fc.constantFrom(...PLACES),
    fc.nat(1).map((n) => `⟦scratch:${n}⟧`),
  )
  .map((place) => ({ directory: place }))

const page = fc
  .array(
    fc.oneof(
      fc.constantFrom('limit=1', 'limit=20', 'limit=1000', 'limit=0', 'before=10', 'before=1'),
      fc.constantFrom(
        'limit=-1',
        'limit=1e3',
        `before=${'9'.repeat(30)}`,
        'x=1',
        '=',
        '%zz',
        'limit',
      ),
      targetText.map((query) => query.replace(/#/g, '')),
    ),
    { maxLength: 2 },
  )
  .map((parts) => (parts.length === 0 ? '' : `?${parts.join('&')}`))

const admin = fc
  .tuple(credentials(ADMINISTRATOR), from(1))
  .map(([who, source]): Header[] => [...who, source])

function get(path: string, query: fc.Arbitrary<string> = fc.constant('')): fc.Arbitrary<Basics> {
  return fc
    .record({
      query,
      credentials: admin,
      method: usually(6, fc.constant('GET'), fc.constant('HEAD')),
    })
    .map(({ query: asked, ...rest }) => ({ ...rest, target: `/api/v1/${path}${asked}` }))
}

function post(path: string, bodies: fc.Arbitrary<BodyPlan>): fc.Arbitrary<Basics> {
  return fc.record({ body: bodies, credentials: admin }).map((rest) => ({
    ...rest,
    method: 'POST',
    target: `/api/v1/${path}`,
    headers: [['Content-Type', 'application/json']],
  }))
}

/** Behind both doors. */
export const ADMIN_ROUTES: readonly Endpoint[] = [
  { route: 'GET /api/v1/status', weight: 4, requests: get('status') },
  { route: 'GET /api/v1/keys', weight: 3, requests: get('keys') },
  { route: 'GET /api/v1/log', weight: 6, requests: get('log', page) },
  {
    route: 'POST /api/v1/diff',
    weight: 6,
    requests: post('diff', body(fc.record({ from: root, to: root }))),
  },
  // These two read all there is, which takes their time from others: mostly they are refused.
  { route: 'POST /api/v1/gc', weight: 2, requests: post('gc', seldom(flag('dryRun'))) },
  { route: 'POST /api/v1/fsck', weight: 1, requests: post('fsck', seldom(flag('repair'))) },
  {
    route: 'POST /api/v1/rollback',
    weight: 4,
    requests: post('rollback', body(root.map((at) => ({ root: at, dryRun: true })))),
  },
]

/** Behind the socket alone; on the HTTP port there must be nothing. */
export const OWNER_ROUTES: readonly Endpoint[] = [
  { route: 'POST /api/v1/keys/export', weight: 3, requests: post('keys/export', body(named)) },
  { route: 'POST /api/v1/keys/import', weight: 5, requests: post('keys/import', body(imported)) },
  {
    route: 'POST /api/v1/keys/takeover',
    weight: 2,
    requests: post('keys/takeover', body(fc.constant({}))),
  },
  { route: 'POST /api/v1/export', weight: 4, requests: post('export', body(directory, 8)) },
]

/** All of the socket. */
export const SOCKET_ROUTES: readonly Endpoint[] = [
  ...ADMIN_ROUTES,
  ...OWNER_ROUTES,
  ...['/healthz', '/readyz'].map((path) => ({
    route: `GET ${path}`,
    weight: 1,
    requests: fc.constant<Basics>({ method: 'GET', target: path }),
  })),
  {
    weight: 4,
    requests: fc
      .tuple(
        fc.constantFrom('GET', 'POST'),
        fc.oneof(
          fc.constantFrom('/v2/', '/v2/token', '/api/v1/', '/'),
          targetText.map((path) => `/api/v1/${path}`),
        ),
      )
      .map(([method, target]) => ({ method, target })),
  },
]
