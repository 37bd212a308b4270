import { OCI_IMAGE_INDEX } from '../../../src/oci/media-type.ts'
import { ABSENT, HEX, image, layer, layerBytes, tags } from './fixtures.ts'
import { CHANGES } from './row.ts'
import { headOf, isKnown, listsOnceWhatStays } from './read-stories.ts'
import type { More, Row, Sent } from './row.ts'

const TAGS = '/v2/app/tags/list'
const CATALOG = '/v2/_catalog'
const BLOB = `/v2/app/blobs/${layer.digest}`
const MANIFEST = '/v2/app/manifests/a'
const size = layer.size

const NO_NUMBER = '400 PAGINATION_NUMBER_INVALID'
const NO_REPOSITORIES: More = { json: { repositories: [] }, headers: { Link: undefined } }
const LAST_PAGE: More = { headers: { Link: undefined } }
const NO_RANGE = '416 RANGE_INVALID'
const THOUSAND = Array.from({ length: 1000 }, (_, n) => `${n}-${n}`).join()
const OUTSIDE: More = { headers: { 'Content-Range': `bytes */${size}` } }
const ALL: More = { headers: { 'Content-Range': undefined }, body: layerBytes }
const INDEX = { 'Content-Type': OCI_IMAGE_INDEX }
const NOTHING = { schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests: [] }
const EMPTY: More = { json: NOTHING, headers: { ...INDEX, 'OCI-Filters-Applied': undefined } }
const FILTERED: More = {
  json: NOTHING,
  headers: { ...INDEX, 'OCI-Filters-Applied': 'artifactType' },
}

/** Reads: B30 to B35. */
export const READS: readonly Row[] = [
  ['B30', 'n=-1', pages('n=-1'), NO_NUMBER],
  ['B30', 'n=abc', pages('n=abc'), NO_NUMBER],
  ['B30', 'n=2^64', pages(`n=${2n ** 64n}`), NO_NUMBER],
  ['B30', 'n=1e3', pages('n=1e3'), NO_NUMBER],
  ['B30', 'n=0x10', pages('n=0x10'), NO_NUMBER],
  ['B30', 'n=1,2', pages('n=1,2'), NO_NUMBER],
  ['B30', 'n twice', pages('n=1&n=2'), NO_NUMBER],
  ['B30', 'a zero byte', pages('n=%00'), NO_NUMBER],
  ['B30', 'an empty n', pages('n='), NO_NUMBER],
  ['B30', 'n=0 of tags', `GET ${TAGS}?n=0`, '200', listed([])],
  ['B30', 'n=0 of repositories', `GET ${CATALOG}?n=0`, '200', NO_REPOSITORIES],
  ['B30', 'n=10^9 of tags', `GET ${TAGS}?n=1000000000`, '200', listed(tags)],
  ['B30', 'n=10^9 of repositories', `GET ${CATALOG}?n=1000000000`, '200', LAST_PAGE],
  ['B30', 'n=2', `GET ${TAGS}?n=2`, '200', listed(['a', 'b'], `<${TAGS}?n=2&last=b>; rel="next"`)],
  ['B30', 'a last that is there', `GET ${TAGS}?last=b`, '200', listed(['c', 'd', 'e'])],
  ['B30', 'a last that is not', `GET ${TAGS}?last=bb`, '200', listed(['c', 'd', 'e'])],
  ['B30', 'an empty last', `GET ${TAGS}?last=`, '200', listed(tags)],
  ['B30', 'a zero byte as last', `GET ${TAGS}?last=%00`, '200', listed(tags)],
  ['B30', 'a way up as last', `GET ${TAGS}?last=..%2f`, '200', listed(tags)],
  ['B30', 'a last behind all', `GET ${TAGS}?last=zzz`, '200', listed([])],
  ['B30', 'a last of 10 KB', `GET ${TAGS}?last=${'z'.repeat(10_000)}`, '200', listed([])],
  ['B31', 'what is there throughout is listed once', listsOnceWhatStays, CHANGES],

  ['B32', 'the first byte', ranged('bytes=0-0'), '206', part(0, 1)],
  ['B32', 'the last five', ranged('bytes=-5'), '206', part(size - 5, size)],
  ['B32', 'all but five', ranged('bytes=5-'), '206', part(5, size)],
  ['B32', 'more than there is', ranged('bytes=0-99999999'), '206', part(0, size)],
  ['B32', 'a longer end than all', ranged('bytes=-99999999'), '206', part(0, size)],
  ['B32', 'behind the end', ranged(`bytes=${size}-`), NO_RANGE, OUTSIDE],
  ['B32', 'the last none', ranged('bytes=-0'), NO_RANGE, OUTSIDE],
  ['B32', 'beyond all numbers', ranged('bytes=99999999999999999999-'), NO_RANGE, OUTSIDE],
  ['B32', 'two ranges', ranged('bytes=0-1,5-9'), '200', ALL],
  ['B32', 'a thousand ranges', ranged(`bytes=${THOUSAND}`), '200', ALL],
  ['B32', 'another unit', ranged('items=0-5'), '200', ALL],
  ['B32', 'no numbers', ranged('bytes=abc'), '200', ALL],
  ['B32', 'nothing', ranged('bytes='), '200', ALL],

  ['B33', 'HEAD of a blob', headOf(BLOB)],
  ['B33', 'HEAD of a manifest by its tag', headOf(MANIFEST)],
  ['B33', 'HEAD of a manifest by its digest', headOf(`/v2/app/manifests/${image.digest}`)],
  ['B33', 'HEAD of tags', headOf(TAGS)],
  ['B33', 'HEAD of repositories', headOf(CATALOG)],
  ['B33', 'HEAD of referrers', headOf(`/v2/app/referrers/${image.digest}`)],
  ['B33', 'HEAD of the API', headOf('/v2/')],
  ['B33', 'HEAD of its health', headOf('/healthz')],
  ['B33', 'HEAD of what is not', headOf(`/v2/app/blobs/${ABSENT}`, 404)],
  ['B33', 'a known blob', isKnown(BLOB)],
  ['B33', 'a known manifest', isKnown(MANIFEST)],

  ['B34', 'only JSON', accepted('application/json'), '200', stored()],
  ['B34', 'only an index', accepted(OCI_IMAGE_INDEX), '200', stored()],
  ['B34', 'only a page', accepted('text/html;q=0.9'), '200', stored()],
  ['B34', 'nothing', accepted(''), '200', stored()],
  ['B34', 'what no type is', accepted(';;,/'), '200', stored()],

  ['B35', 'what is no digest', referrers(`sha256:${HEX.slice(1)}`), '400 DIGEST_INVALID'],
  ['B35', 'what nobody knows', referrers(ABSENT), '200', EMPTY],
  ['B35', 'in a repository nobody knows', `GET /v2/nowhere/referrers/${ABSENT}`, '200', EMPTY],
  ['B35', 'a filter of 10 KB', referrers(ABSENT, 'x'.repeat(10_000)), '200', FILTERED],
  ['B35', 'a zero byte in the filter', referrers(ABSENT, 'a%00b'), '200', FILTERED],
]

function referrers(digest: string, filter?: string): string {
  const path = `GET /v2/app/referrers/${digest}`
  return filter === undefined ? path : `${path}?artifactType=${filter}`
}

/** Of tags and of repositories. */
function pages(query: string): Sent[] {
  return [`GET ${TAGS}?${query}`, `GET ${CATALOG}?${query}`]
}

function listed(names: readonly string[], link?: string): More {
  return { json: { name: 'app', tags: names }, headers: { Link: link } }
}

function ranged(range: string): Sent {
  return { line: `GET ${BLOB}`, headers: { Range: range } }
}

function part(from: number, to: number): More {
  const headers = {
    'Content-Range': `bytes ${from}-${to - 1}/${size}`,
    'Content-Length': String(to - from),
  }
  return { headers, body: layerBytes.subarray(from, to) }
}

function accepted(type: string): Sent {
  return { line: `GET ${MANIFEST}`, headers: { Accept: type } }
}

function stored(): More {
  return { headers: { 'Content-Type': image.mediaType }, body: image.bytes }
}
