import fc from 'fast-check'
import { NO_BODY, blobBody, manifestBody } from './bodies.ts'
import { ADMIN_ROUTES, OWNER_ROUTES } from './control-routes.ts'
import { anyOf, join, request } from './endpoint.ts'
import { headerLike } from './headers.ts'
import { filtering, finishing, paging, starting, tagging, unwanted } from './queries.ts'
import { askForToken, postForToken } from './tokens.ts'
import {
  digest,
  reference,
  repository,
  targetText,
  uploadNumber,
  uploadPath,
  usually,
} from './texts.ts'
import type { Basics, Endpoint } from './endpoint.ts'
import type { Header } from './headers.ts'

const read = fc.constantFrom('GET', 'GET', 'GET', 'HEAD')

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
function chunk(method: 'PATCH' | 'PUT', which: number): fc.Arbitrary<Basics> {
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
  return request(fc.constant(method), join(uploadPath(which), query), { headers, body })
}

/** Addresses that are nearly there. */
const NEARLY = [
  ...['/', '/v2//', '/V2/', '/api/v1/', '/api/v1/x', '/metrics', '/v1/_ping', '*', '//'],
  ...['/v2/_catalog/', '/v2/_heliport/repository', '/v2/../healthz', '/v2/token/', '/v2/at/x'],
  ...['/healthz/', '/v2/./', '/favicon.ico', '/v2/x', '/v2/a/b', '/api/v1/status/', '/v2/TOKEN'],
]

const keptDigest = fc.nat(12).map((n) => `⟦kept:${n}⟧`)

const get = (
  target: fc.Arbitrary<string>,
  headers?: fc.Arbitrary<Header[]>,
): fc.Arbitrary<Basics> => request(read, target, headers === undefined ? {} : { headers })

const remove = (target: fc.Arbitrary<string>): fc.Arbitrary<Basics> =>
  request(fc.constant('DELETE'), target)

const aRange = headerLike('Range')

const putManifest = request(
  fc.constant('PUT'),
  join('/v2/', repository, '/manifests/', usually(2, reference, fc.constant('⟦own⟧')), tagging),
  { headers: manifestType, body: manifestBody },
)

const startUpload = request(
  fc.constant('POST'),
  join('/v2/', repository, '/blobs/uploads', fc.constantFrom('/', '/', '/', ''), starting),
  { body: usually(2, blobBody, NO_BODY) },
)

const fixed = (...paths: string[]): fc.Arbitrary<Basics> =>
  get(join(fc.constantFrom(...paths), unwanted))

const blob = get(join('/v2/', repository, '/blobs/', digest, unwanted), maybe(aRange))
const manifest = get(join('/v2/', repository, '/manifests/', reference, unwanted), maybe(aRange))
const keptRange = fc.tuple(aRange)

/** Names of what is kept: as it is, and as it was when the fuzzing began. */
const kept = fc.constantFrom('⟦kept⟧', '⟦kept⟧', '⟦kept⟧', 'at/⟦root⟧/⟦kept⟧')

/** All routes, each as often as there is to find in it. */
const REGISTRY_ROUTES: readonly Endpoint[] = [
  { route: 'GET /v2{/}', weight: 1, requests: fixed('/v2', '/v2/') },
  { route: 'GET /healthz', weight: 1, requests: fixed('/healthz') },
  { route: 'GET /readyz', weight: 1, requests: fixed('/readyz') },
  { route: 'GET /v2/_oci/ext/discover', weight: 1, requests: fixed('/v2/_oci/ext/discover') },
  { route: 'GET /v2/_catalog', weight: 2, requests: get(join('/v2/_catalog', paging)) },
  {
    route: 'GET /v2/*name/tags/list',
    weight: 5,
    requests: get(
      join(
        fc.constantFrom('', '', '', 'http://localhost'),
        '/v2/',
        repository,
        '/tags/list',
        paging,
      ),
    ),
  },
  {
    route: 'GET /v2/*name/referrers/:digest',
    weight: 4,
    requests: get(join('/v2/', repository, '/referrers/', digest, filtering)),
  },
  {
    route: 'GET /v2/*name/_oci/ext/discover',
    weight: 1,
    requests: get(join('/v2/', repository, '/_oci/ext/discover', unwanted)),
  },
  { route: 'GET /v2/*name/blobs/:digest', weight: 9, requests: blob },
  {
    route: 'GET /v2/*name/blobs/:digest',
    weight: 5,
    requests: get(join('/v2/', kept, '/blobs/', keptDigest), keptRange),
  },
  { route: 'GET /v2/*name/manifests/:reference', weight: 8, requests: manifest },
  {
    route: 'GET /v2/*name/manifests/:reference',
    weight: 4,
    requests: get(join('/v2/', kept, '/manifests/', keptDigest), keptRange),
  },
  { route: 'PUT /v2/*name/manifests/:reference', weight: 12, requests: putManifest },
  {
    route: 'DELETE /v2/*name/manifests/:reference',
    weight: 3,
    requests: remove(join('/v2/', repository, '/manifests/', reference)),
  },
  {
    route: 'DELETE /v2/*name/blobs/:digest',
    weight: 3,
    requests: remove(join('/v2/', repository, '/blobs/', digest)),
  },
  {
    route: 'DELETE /v2/*name/_heliport/repository',
    weight: 1,
    requests: remove(join('/v2/', repository, '/_heliport/repository')),
  },
  { route: 'POST /v2/*name/blobs/uploads{/}', weight: 10, requests: startUpload },
  {
    route: 'PATCH /v2/*name/blobs/uploads/:id',
    weight: 9,
    requests: uploadNumber.chain((which) => chunk('PATCH', which)),
  },
  {
    route: 'PUT /v2/*name/blobs/uploads/:id',
    weight: 8,
    requests: uploadNumber.chain((which) => chunk('PUT', which)),
  },
  {
    route: 'GET /v2/*name/blobs/uploads/:id',
    weight: 3,
    requests: get(join(uploadNumber.chain(uploadPath), unwanted)),
  },
  {
    route: 'DELETE /v2/*name/blobs/uploads/:id',
    weight: 2,
    requests: remove(uploadNumber.chain(uploadPath)),
  },
  { route: 'GET /v2/token', weight: 1.5, requests: askForToken },
  { route: 'POST /v2/token', weight: 1.5, requests: postForToken },
]

/** What is behind the HTTP port, in every mode. */
export const HTTP_ROUTES: readonly Endpoint[] = [
  ...REGISTRY_ROUTES,
  ...ADMIN_ROUTES.map((each) => ({ ...each, weight: each.weight / 5 })),
]

/** All of that, and where nothing is. */
export const routes: fc.Arbitrary<Basics> = anyOf([
  ...HTTP_ROUTES,
  ...OWNER_ROUTES.map(({ requests }) => ({ requests, weight: 0.1 })),
  { weight: 2, requests: fixed(...NEARLY) },
  { weight: 1, requests: get(join('/', targetText)) },
])
