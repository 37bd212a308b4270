import fc from 'fast-check'
import { anyDigest, manifestId, rarely, repository, seldom, tag } from './arbitrary-parts.ts'
import { REPOSITORIES } from './universe.ts'
import type { Catalog, Other, Referrers, Step, Tags } from './step.ts'

const n = seldom(
  70,
  rarely(
    20,
    fc.constantFrom(
      '0',
      '-1',
      'abc',
      '',
      '1000',
      '1001',
      '99999',
      '9223372036854775807',
      '9223372036854775808',
    ),
    fc.constantFrom('1', '2', '3', '5'),
  ),
)

const tags = fc
  .record({ repository, n, last: seldom(40, rarely(20, fc.constantFrom('zzz', '', 'a/b'), tag)) })
  .map(({ n: size, last, ...step }): Tags => ({
    do: 'tags',
    ...step,
    ...(size !== undefined && { n: size }),
    ...(last !== undefined && { last }),
  }))

const catalog = fc
  .record({ n, last: seldom(40, fc.constantFrom(...REPOSITORIES)) })
  .map(({ n: size, last }): Catalog => ({
    do: 'catalog',
    ...(size !== undefined && { n: size }),
    ...(last !== undefined && { last }),
  }))

const referrers = fc
  .record({
    repository,
    digest: fc.oneof(
      { weight: 5, arbitrary: fc.constant({ manifest: 'image' as const }) },
      { weight: 1, arbitrary: fc.record({ manifest: manifestId }) },
      { weight: 1, arbitrary: anyDigest },
    ),
    filter: seldom(
      40,
      fc.constantFrom(
        'application/vnd.example.sbom',
        'application/vnd.example.signature',
        'application/vnd.example.set',
        'nothing',
      ),
    ),
  })
  .map(({ filter, ...step }): Referrers => ({
    do: 'referrers',
    ...step,
    ...(filter && { filter }),
  }))

export const listings: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: tags },
  { weight: 3, arbitrary: catalog },
  { weight: 3, arbitrary: referrers },
)

/** Names that are none, or are unusual ones. */
const oddName = fc.constantFrom(
  'A',
  'a//b',
  'a__-b',
  '-a',
  'a_',
  '%41',
  '%2e%2e',
  'nothing%2fb',
  'a%00',
  '__proto__',
  'constructor',
  '%C3%A4',
  'a'.repeat(240),
  'a'.repeat(300),
)

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS'] as const

/** Below a repository that has nothing in it: what is there is asked for by other steps. */
const paths = fc.oneof(
  fc.constantFrom(
    '/v2/',
    '/v2',
    '/v2/_catalog?n=0',
    '/v2/_catalog?n=abc',
    '/v2/_catalog/',
    '/v2/{}/nothing/tags/list',
    '/v2/{}/nothing/tags',
    '/v2/{}/nothing/tags/list/',
    '/v2/{}/nothing',
    '/v2/{}/nothing/blobs/uploads/',
    '/v2/{}/nothing/blobs/uploads',
    '/v2/{}/nothing/blobs/uploads/x',
    '/v2/{}/nothing/blobs/',
    '/v2/{}/nothing/manifests/',
    '/v2/{}/nothing/manifests/v9',
    '/v2/{}/nothing/manifests/v9/x',
    '/v1/',
    '/v2/../v2/',
    '/nothing',
  ),
  oddName.map((name) => `/v2/{}/${name}/tags/list`),
  oddName.map((name) => `/v2/{}/${name}/manifests/v9`),
  oddName.map((name) => `/v2/{}/${name}/blobs/uploads/`),
)

/** Uploads are begun by steps that remember them. */
const begins = ({ method, path }: Other): boolean =>
  method === 'POST' &&
  /\/(nothing|nothing%2fb|__proto__|constructor|a+)\/blobs\/uploads\/?$/.test(path)

export const others: fc.Arbitrary<Other> = fc
  .record({
    do: fc.constant('other' as const),
    method: rarely(60, fc.constantFrom(...METHODS), fc.constant('GET')),
    path: paths,
  })
  .filter((step) => !begins(step))
