import { isDeepStrictEqual } from 'node:util'
import { codesOf, headerOf, jsonOf, nextPage } from './exchange.ts'
import type { Difference, Exchange } from './exchange.ts'
import type { Answer } from './wire.ts'
import type { Side, World } from './world.ts'

/** How a header is written down to be compared; `undefined` for one that is not there. */
type Show = (answer: Answer, world: World) => string | undefined

const plain =
  (name: string): Show =>
  (answer) =>
    headerOf(answer, name)

/**
 * The headers that clients work with. Free by nature, and not compared: `Date`, `Connection`, `Keep-Alive`, `Server`; the
 * host in a `Location` and whether there is one; the id of an upload, and what else its address holds; and what only one
 * of both could know (`Cache-Control`, `X-…`).
 */
const HEADERS: Readonly<Record<string, Show>> = {
  'docker-distribution-api-version': plain('docker-distribution-api-version'),
  'docker-content-digest': plain('docker-content-digest'),
  'content-type': plain('content-type'),
  'content-length': (answer) => (answer.status === 204 ? undefined : lengthOf(answer)),
  'content-range': plain('content-range'),
  'accept-ranges': plain('accept-ranges'),
  range: plain('range'),
  etag: plain('etag'),
  location: locationOf,
  link: linkOf,
  allow: allowOf,
  'docker-upload-uuid': uuidOf,
  'oci-subject': plain('oci-subject'),
  'oci-tag': plain('oci-tag'),
  'oci-filters-applied': plain('oci-filters-applied'),
  'oci-chunk-min-length': plain('oci-chunk-min-length'),
  'retry-after': plain('retry-after'),
  warning: plain('warning'),
}

/** Of a 304 only these: it may leave out what the client has. */
const OF_NOT_MODIFIED = ['docker-distribution-api-version', 'docker-content-digest', 'etag']

/** Of an error only these: what its body says is free but for the codes. */
const OF_ERRORS = [
  'docker-distribution-api-version',
  'content-range',
  'range',
  'location',
  'allow',
  'retry-after',
]

/** An answer without a body may say so or not, and JSON may end in a line feed: its length is compared with its body. */
function lengthOf(answer: Answer): string | undefined {
  const length = headerOf(answer, 'content-length')
  if (length === '0' && answer.status !== 200) return undefined
  const isJson = headerOf(answer, 'content-type') === 'application/json'
  return isJson && length === String(answer.body.length) ? 'that of the body' : length
}

const UPLOAD = /(\/blobs\/uploads\/)[^/?]+$/

function locationOf(answer: Answer): string | undefined {
  const location = headerOf(answer, 'location')
  if (location === undefined) return undefined
  const { pathname } = new URL(location, 'http://registry')
  return pathname.replace(UPLOAD, '$1<id>')
}

function linkOf(answer: Answer): string | undefined {
  if (headerOf(answer, 'link') === undefined) return undefined
  const next = nextPage(answer)
  if (next === undefined) return 'malformed'
  const { pathname, searchParams } = new URL(next, 'http://registry')
  searchParams.sort()
  return `${pathname}?${searchParams}`
}

/** `OPTIONS` is answered by a router, and says nothing of a registry. */
function allowOf(answer: Answer): string | undefined {
  const allow = headerOf(answer, 'allow')
  if (allow === undefined) return undefined
  const methods = allow.split(/\s*,\s*/).filter((method) => method !== 'OPTIONS')
  return methods.toSorted().join(', ')
}

/** Only beside the address of an upload; its value is the registry's own. */
function uuidOf(answer: Answer): string | undefined {
  if (headerOf(answer, 'location')?.includes('/blobs/uploads/') !== true) return undefined
  return headerOf(answer, 'docker-upload-uuid') === undefined ? undefined : '<id>'
}

/** Where the two answers differ. When the statuses do, that is all: nothing else can be the same then. */
export function compare(exchange: Exchange): Difference[] {
  const { heliport, reference, world } = exchange
  const statuses = { heliport: statusOf(heliport), reference: statusOf(reference) }
  // That the reference fails as well is no excuse.
  if (heliport.status >= 500) return [{ aspect: 'failure', ...statuses }]
  if (heliport.status !== reference.status) return [{ aspect: 'status', ...statuses }]
  const isError = heliport.status >= 400
  const usual = heliport.status === 304 ? OF_NOT_MODIFIED : Object.keys(HEADERS)
  const names = isError ? OF_ERRORS : usual
  const found = names.flatMap((name) =>
    difference(name, (side) => HEADERS[name]?.(exchange[side], world)),
  )
  if (isError) return [...difference('codes', (side) => codesOf(exchange[side])), ...found]
  return [...found, ...bodies(exchange)]
}

function statusOf(answer: Answer): string {
  const codes = codesOf(answer)
  return codes === undefined ? String(answer.status) : `${answer.status} ${codes}`
}

function difference(aspect: string, show: (side: Side) => string | undefined): Difference[] {
  const heliport = show('heliport')
  const reference = show('reference')
  if (heliport === reference) return []
  return [{ aspect, heliport: heliport ?? 'none', reference: reference ?? 'none' }]
}

function bodies({ heliport, reference, names }: Exchange): Difference[] {
  if (names !== undefined)
    return [
      ...difference('body', (side) => JSON.stringify(names[side].page)),
      ...difference('all pages', (side) => JSON.stringify(names[side].all)),
    ]
  if (heliport.body.equals(reference.body)) return []
  const isJson = headerOf(heliport, 'content-type') === 'application/json'
  if (isJson && isDeepStrictEqual(jsonOf(heliport), jsonOf(reference))) return []
  return [{ aspect: 'body', heliport: excerpt(heliport), reference: excerpt(reference) }]
}

function excerpt({ body }: Answer): string {
  const text = body.toString('latin1', 0, 200).replaceAll(/[^\x20-\x7e]/g, '.')
  return body.length > 200 ? `${text}… (${body.length} bytes)` : text
}
