import { tryParseDigest } from '../../../src/oci/digest.ts'
import { tryParseTag } from '../../../src/oci/name.ts'
import { codesOf, headerOf } from '../exchange.ts'
import { ACCEPT_ALL } from '../learn.ts'
import { digestText } from '../world.ts'
import { isPlain, says } from './entry.ts'
import { BY_SHA256, GET_INDEX, INDEX, PUSH } from './examples.ts'
import type { Exchange } from '../exchange.ts'
import type { Step } from '../step.ts'
import type { Answer } from '../wire.ts'
import type { Intended } from './entry.ts'

/** Whether the reference has no route for this address, or none for the method. */
function hasNoRoute({ reference }: Exchange): boolean {
  return (
    isPlain(reference, 200, 301, 404, 405, 500) ||
    says(reference, 500, 'UNKNOWN') ||
    says(reference, 404, 'BLOB_UPLOAD_UNKNOWN') ||
    says(reference, 404, 'BLOB_UPLOAD_INVALID')
  )
}

/** What Heliport has to say of a tag or a digest that is none. */
function refusesReference({ heliport }: Exchange, step: Step): boolean {
  if (step.do === 'put') {
    const isTag = 'tag' in step.to && tryParseTag(step.to.tag) === undefined
    return isTag && says(heliport, 400, 'TAG_INVALID')
  }
  if (step.do === 'manifest' && 'tag' in step.to)
    return tryParseTag(step.to.tag) === undefined && says(heliport, 404, 'MANIFEST_UNKNOWN')
  const to = step.do === 'manifest' && 'digest' in step.to ? step.to.digest : undefined
  const plan = step.do === 'blob' || step.do === 'referrers' ? step.digest : to
  const digest = plan && digestText(plan)
  if (digest === undefined || tryParseDigest(digest) !== undefined) return false
  return digest.includes('/')
    ? says(heliport, 404, 'UNSUPPORTED')
    : says(heliport, 400, 'DIGEST_INVALID')
}

const CODES: Readonly<Record<number, readonly string[]>> = {
  400: ['NAME_INVALID', 'DIGEST_INVALID'],
  404: ['UNSUPPORTED', 'NAME_UNKNOWN', 'BLOB_UPLOAD_UNKNOWN', 'MANIFEST_UNKNOWN'],
  405: ['UNSUPPORTED'],
}

/** What Heliport may say of any other address. */
function isOciError({ heliport, requests }: Exchange): boolean {
  const { status } = heliport
  const { method, path } = requests.heliport
  if (status === 200) return method === 'HEAD' || path === '/v2'
  if (status === 405 && headerOf(heliport, 'allow') === undefined) return false
  return method === 'HEAD' || CODES[status]?.includes(codesOf(heliport) ?? '') === true
}

const addresses: Intended = {
  id: 'addresses',
  aspects: ['status', 'codes', 'allow', 'docker-distribution-api-version'],
  when: (exchange) => {
    const { step } = exchange
    if (!hasNoRoute(exchange)) return false
    if (step.do === 'other') return isOciError(exchange)
    return refusesReference(exchange, step)
  },
  difference:
    'Names, tags, digests, addresses and methods that are none: Heliport says which it is, with an error code (400, 404, 405 with `Allow`). Distribution’s router says 404 or 405 in plain text, redirects to an address it has cleaned up (301), or fails (500 for a name over 255 characters). `HEAD` of a list is 200 in Heliport, 405 in Distribution.',
  reason:
    'NAME_INVALID and DIGEST_INVALID are there to be told. A push must not go to another name than the client wrote. GET and HEAD are required of every server.',
  source: 'distribution-spec, “Error Codes”, “Listing Referrers” (400); RFC 9110 9.1, 15.5.6',
  example: [
    { do: 'other', method: 'GET', path: '/v2/{}/A/tags/list' },
    { do: 'other', method: 'PUT', path: '/v2/{}/a//b/manifests/latest' },
    { do: 'other', method: 'DELETE', path: '/v2/_catalog' },
  ],
}

/** One range as both read it. */
const ONE_RANGE = /^bytes=(?:\d+-\d*|-\d+)$/

/** Whether the answer is the whole of it, in which the range was not regarded. */
function isWhole(answer: Answer): boolean {
  return answer.status === 200 && headerOf(answer, 'content-range') === undefined
}

function isOtherRange({ step, heliport, reference }: Exchange): boolean {
  if (step.do !== 'blob' || step.range === undefined) return false
  if (isWhole(heliport)) {
    const isAllThereIs = headerOf(heliport, 'content-length') === '0'
    const isIgnored = step.method === 'HEAD' || isAllThereIs || !ONE_RANGE.test(step.range)
    return isIgnored && isPlain(reference, 206, 416)
  }
  if (heliport.status === 206) return isPlain(reference, 416) && !ONE_RANGE.test(step.range)
  if (!says(heliport, 416, 'RANGE_INVALID')) return false
  return isPlain(reference, 416) || (reference.status === 206 && step.range === 'bytes=-0')
}

const ranges: Intended = {
  id: 'ranges',
  aspects: ['status', 'codes', 'accept-ranges', 'content-range'],
  when: (exchange, aspect) => {
    const { step, heliport, reference } = exchange
    if (step.do !== 'manifest') return isOtherRange(exchange)
    if (aspect === 'accept-ranges') return headerOf(heliport, aspect) === 'bytes'
    if (step.range === undefined || !says(reference, 200)) return false
    return [206, 416].includes(heliport.status) && headerOf(heliport, 'content-range') !== undefined
  },
  difference:
    'Heliport sends a whole blob for several ranges, for another unit, for what is no range, and for `HEAD`; takes spaces and capitals as the grammar does; and answers 416 with an error code. It sends ranges of manifests too. Distribution is Go’s file server: 206 with `multipart/byteranges`, 416 for what it cannot read, 206 with nothing for `bytes=-0`; manifests only whole.',
  reason:
    'What is no range, or of a unit that is not known, MUST be ignored; several ranges MAY be, and no registry client asks for them. `Range` is defined for GET alone.',
  source: 'RFC 9110 14.1, 14.2; distribution-spec, “Pulling blobs”: `Range`',
  example: [
    INDEX,
    GET_INDEX,
    ...PUSH,
    { do: 'blob', method: 'GET', repository: 'a', digest: BY_SHA256, range: 'items=0-1' },
    { do: 'blob', method: 'GET', repository: 'a', digest: BY_SHA256, range: 'bytes=-0' },
  ],
}

const conditions: Intended = {
  id: 'conditions',
  aspects: ['status', 'etag', 'docker-content-digest'],
  when: ({ step, heliport, reference }) => {
    if (step.do !== 'manifest' || step.match === undefined) return false
    // Of what is not there nothing has "not changed".
    if (says(heliport, 404, 'MANIFEST_UNKNOWN')) return isPlain(reference, 304)
    if (heliport.status !== 304 || headerOf(heliport, 'etag') === undefined) return false
    if (reference.status === 304) return headerOf(reference, 'etag') === undefined
    const isNamed = 'digest' in step.to && step.match.includes('right')
    if (says(reference, 200)) return step.match === '*' || (isNamed && step.match !== 'right')
    return says(reference, 404, 'MANIFEST_UNKNOWN') && step.accept !== ACCEPT_ALL
  },
  difference:
    '`If-None-Match` of a manifest: Heliport reads lists, weak tags and `*`, says the `ETag` in the 304, and 404 of what is not there. Distribution compares the whole header with one tag, leaves the `ETag` out, and says 304 also of a digest that it does not have.',
  reason:
    'So it is defined. Heliport does the same for blobs, where Distribution (Go’s file server) does too.',
  source: 'RFC 9110 13.1.2, 13.2.1, 15.4.5',
  example: [INDEX, { ...GET_INDEX, match: 'right' }, { ...GET_INDEX, match: '*' }],
}

export const HTTP: readonly Intended[] = [addresses, ranges, conditions]
