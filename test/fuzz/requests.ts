import fc from 'fast-check'
import { TOKEN, credentials } from './credentials.ts'
import { extraHeaders } from './headers.ts'
import { routes } from './routes.ts'
import { rarely, usually } from './texts.ts'
import type { RequestPlan } from './plan.ts'
import type { Basics } from './endpoint.ts'

/** Methods that Node's parser knows: one of them in the wrong place is still a request. */
const METHODS = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'LOCK'],
  ...['SEARCH', 'REPORT', 'M-SEARCH', 'PURGE', 'QUERY', 'MKCOL', 'COPY', 'SUBSCRIBE'],
]

/** Where a client that pulls through us says that the image is from. */
const NAMESPACES = [
  ...['docker.io', 'DOCKER.IO', 'kept.example:5000', 'kept.example', 'unknown.example', ''],
  ...['docker.io&ns=docker.io', '../kept', '__proto__', '%00', '[::1]:5000', 'x/y'],
  'a'.repeat(300),
]

function inNamespace(target: string, namespace: string | null): string {
  if (namespace === null || !target.startsWith('/v2/')) return target
  return `${target}${target.includes('?') ? '&' : '?'}ns=${namespace}`
}

/** How a request is put on the wire, and what is beside what it asks for. */
export function dressed(basics: fc.Arbitrary<Basics>): fc.Arbitrary<RequestPlan> {
  return fc
    .record({
      basics,
      who: credentials(),
      other: rarely(14, fc.constantFrom(...METHODS)),
      namespace: rarely(14, fc.constantFrom(...NAMESPACES)),
      extra: extraHeaders,
      framing: fc.oneof(
        { weight: 8, arbitrary: fc.constant('length' as const) },
        { weight: 2, arbitrary: fc.constant('chunked' as const) },
        { weight: 1, arbitrary: fc.constant('expect' as const) },
      ),
      pieces: usually(9, fc.constant(1), fc.constantFrom(2, 5, 20)),
    })
    .map(({ basics, ...how }) => ({
      method: how.other ?? basics.method,
      target: inNamespace(basics.target, how.namespace),
      headers: [...(basics.headers ?? []), ...(basics.credentials ?? how.who), ...how.extra],
      body: basics.body ?? { kind: 'none' },
      framing: how.framing,
      pieces: how.pieces,
    }))
}

/** Any request. */
export const requests = dressed(routes)

/** A request as a good client makes it. */
export function plain(basics: Basics): RequestPlan {
  const { method, target, headers = [], body = { kind: 'none' }, credentials: who } = basics
  return {
    method,
    target,
    headers: [...headers, ...(who ?? [TOKEN])],
    body,
    framing: 'length',
    pieces: 1,
  }
}
