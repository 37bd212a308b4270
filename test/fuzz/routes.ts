import fc from 'fast-check'
import { NO_BODY, blobBody, manifestBody } from './bodies.ts'
import { headerLike } from './headers.ts'
import { filtering, finishing, paging, starting, tagging, unwanted } from './queries.ts'
import {
  digest,
  reference,
  repository,
  targetText,
  uploadNumber,
  uploadPath,
  usually,
} from './texts.ts'
import type { Header } from './headers.ts'
import type { BodyPlan } from './plan.ts'

/** What a route asks for, before anything is done to it. */
export interface Basics {
  method: string
  target: string
  headers?: Header[]
  body?: BodyPlan
}

type Route = fc.Arbitrary<Basics>

const read = fc.constantFrom('GET', 'GET', 'GET', 'HEAD')

function route(
  method: fc.Arbitrary<string>,
  target: fc.Arbitrary<string>,
  rest: { headers?: fc.Arbitrary<Header[]>; body?: fc.Arbitrary<BodyPlan> } = {},
): Route {
  const { headers = fc.constant([]), body = NO_BODY } = rest
  return fc.record({ method, target, headers, body })
}

function join(...parts: (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> {
  const all = parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))
  return fc.tuple(...all).map((texts) => texts.join(''))
}

const maybe = (header: fc.Arbitrary<Header>): fc.Arbitrary<Header[]> =>
  usually(
    2,
    fc.constant<Header[]>([]),
    header.map((each) => [each]),
  )

const manifestType: fc.Arbitrary<Header[]> = usually(
  8,
  fc.constant<Header[]>([['Content-Type', '⟦type⟧']]),
  maybe(headerLike('Content-Type')),
)

/** `PATCH` and `PUT` of an upload: the range of a chunk names the same upload as the path. */
function chunk(method: 'PATCH' | 'PUT', which: number): Route {
  const range = fc.constantFrom<Header[]>(
    [],
    [],
    [['Content-Range', `⟦chunk:${which}⟧`]],
    [['Content-Range', `⟦chunk:${which}⟧`]],
    [['Content-Range', `bytes ⟦chunk:${which}⟧/*`]],
  )
  const headers = usually(
    8,
    range,
    headerLike('Content-Range').map((header) => [header]),
  )
  const query = method === 'PUT' ? finishing(`⟦uploaded:${which}⟧`) : unwanted
  const body = method === 'PUT' ? usually(1, NO_BODY, blobBody) : blobBody
  return route(fc.constant(method), join(uploadPath(which), query), { headers, body })
}

/** Addresses that are there, or nearly. */
const FIXED = [
  ...['/', '/v2', '/v2/', '/v2//', '/V2/', '/healthz', '/readyz', '/api/v1/status', '/api/v1/'],
  ...['/api/v1/keys', '/api/v1/keys/export', '/api/v1/export', '/metrics', '/v1/_ping', '*', '//'],
  ...['/v2/_catalog/', '/v2/_oci/ext/discover', '/v2/_heliport/repository', '/v2/../healthz'],
  ...['/healthz/', '/v2/./', '/favicon.ico', '/v2/x', '/v2/a/b'],
]

const keptDigest = fc.nat(12).map((n) => `⟦kept:${n}⟧`)

const get = (target: fc.Arbitrary<string>, headers?: fc.Arbitrary<Header[]>): Route =>
  route(read, target, headers === undefined ? {} : { headers })

const remove = (target: fc.Arbitrary<string>): Route => route(fc.constant('DELETE'), target)

const aRange = headerLike('Range')

const putManifest = route(
  fc.constant('PUT'),
  join('/v2/', repository, '/manifests/', usually(2, reference, fc.constant('⟦own⟧')), tagging),
  { headers: manifestType, body: manifestBody },
)

const startUpload = route(
  fc.constant('POST'),
  join('/v2/', repository, '/blobs/uploads', fc.constantFrom('/', '/', '/', ''), starting),
  { body: usually(2, blobBody, NO_BODY) },
)

/** All routes, each as often as there is to find in it. */
const WEIGHTED: readonly (readonly [weight: number, Route])[] = [
  [4, get(join(fc.constantFrom(...FIXED), unwanted))],
  [1, get(join('/', targetText))],
  [1, get(join('http://localhost/v2/', repository, '/tags/list'))],
  [2, get(join('/v2/_catalog', paging))],
  [4, get(join('/v2/', repository, '/tags/list', paging))],
  [4, get(join('/v2/', repository, '/referrers/', digest, filtering))],
  [1, get(join('/v2/', repository, '/_oci/ext/discover', unwanted))],
  [9, get(join('/v2/', repository, '/blobs/', digest, unwanted), maybe(aRange))],
  [8, get(join('/v2/', repository, '/manifests/', reference, unwanted), maybe(aRange))],
  [5, get(join('/v2/⟦kept⟧/blobs/', keptDigest), fc.tuple(aRange))],
  [4, get(join('/v2/⟦kept⟧/manifests/', keptDigest), fc.tuple(aRange))],
  [12, putManifest],
  [3, remove(join('/v2/', repository, '/manifests/', reference))],
  [3, remove(join('/v2/', repository, '/blobs/', digest))],
  [1, remove(join('/v2/', repository, '/_heliport/repository'))],
  [10, startUpload],
  [9, uploadNumber.chain((which) => chunk('PATCH', which))],
  [8, uploadNumber.chain((which) => chunk('PUT', which))],
  [3, get(join(uploadNumber.chain(uploadPath), unwanted))],
  [2, remove(uploadNumber.chain(uploadPath))],
]

/** What any route may be asked for. */
export const routes: fc.Arbitrary<Basics> = fc.oneof(
  ...WEIGHTED.map(([weight, arbitrary]) => ({ weight, arbitrary })),
)
