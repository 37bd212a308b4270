import { bytes, CLOSE, post } from './bytes.ts'
import { layer } from './fixtures.ts'
import type { More, Row, Sent } from './row.ts'

const NO_METHOD = '405 UNSUPPORTED'
const NOWHERE = '404 UNSUPPORTED'
const BAD_HOST = '400 UNSUPPORTED'
const ALLOWS: More = { headers: { Allow: /\bGET\b/ } }
/** Where an upload goes on: on whatever host the client came by. */
const OURS: More = { headers: { Location: /^\/v2\/app\/blobs\/uploads\/[\w-]+$/ } }
const NEXT: More = { headers: { Link: '</v2/app/tags/list?n=1&last=a>; rel="next"' } }

const UPLOADS = 'POST /v2/app/blobs/uploads/'
const COMMAS = 'evil.example,'.repeat(1000)
const SPACES = `https${' '.repeat(12_000)},http`
const HTTPS = 'host=evil.example;proto=https'

/** Methods (B36), who the client says we are (B38), and where it might be sent (B39). */
export const ADDRESSES: readonly Row[] = [
  ['B36', 'TRACE', ['TRACE /v2/', `TRACE /v2/app/blobs/${layer.digest}`], NO_METHOD, ALLOWS],
  ['B36', 'PROPFIND', ['PROPFIND /v2/', 'PROPFIND /v2/_catalog'], NO_METHOD, ALLOWS],
  ['B36', 'OPTIONS', ['OPTIONS /v2/', 'OPTIONS /v2/app/tags/list'], NO_METHOD, ALLOWS],
  ['B36', 'PUT', ['PUT /v2/', 'PUT /v2/_catalog', 'PUT /v2/app/tags/list'], NO_METHOD, ALLOWS],
  ['B36', 'POST', ['POST /v2/', 'POST /v2/app/manifests/a'], NO_METHOD, ALLOWS],
  ['B36', 'PATCH', ['PATCH /v2/', 'PATCH /v2/app/manifests/a'], NO_METHOD, ALLOWS],
  ['B36', 'DELETE', ['DELETE /v2/', 'DELETE /v2/_catalog'], NO_METHOD, ALLOWS],
  ['B36', 'CONNECT', bytes('CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n'), ''],

  ['B38', 'X-Forwarded-Host', upload({ 'X-Forwarded-Host': 'evil.example' }), '202', OURS],
  ['B38', 'a thousand of them', upload({ 'X-Forwarded-Host': COMMAS }), '202', OURS],
  ['B38', '12,000 spaces', upload({ 'X-Forwarded-Proto': SPACES }), '202', OURS],
  ['B38', 'a million commas', post(`X-Forwarded-Host: ${','.repeat(1e6)}\r\n`), '431 UNSUPPORTED'],
  ['B38', 'Forwarded', upload({ Forwarded: HTTPS }), '202', OURS],
  ['B38', 'another address', upload({ 'X-Original-URL': '/evil' }), '202', OURS],
  ['B38', 'another method', upload({ 'X-HTTP-Method-Override': 'DELETE' }), '202', OURS],
  ['B38', 'the next page', page({ 'X-Forwarded-Host': 'evil.example' }), '200', NEXT],
  ['B38', 'a user in the host', host('a@evil.example'), BAD_HOST],
  ['B38', 'a user named like us', host('localhost@evil.example'), BAD_HOST],
  ['B38', 'a path in the host', host('localhost/evil'), BAD_HOST],
  ['B38', 'a port that is none', host('localhost:99999999'), BAD_HOST],
  ['B38', 'two hosts', host('localhost\r\nHost: evil.example'), BAD_HOST],
  ['B38', 'a foreign host', host('evil.example'), '403 DENIED'],

  ['B39', 'where to go next', ['GET /v2/?next=//evil', 'GET /v2/?back=javascript:alert(1)'], '200'],
  ['B39', 'where to go after an upload', `${UPLOADS}?redirect=//evil.example`, '202', OURS],
  ['B39', 'where the blob is', `${UPLOADS}?from=//evil.example&mount=${layer.digest}`, '202', OURS],
  ['B39', 'a host as a path', ['GET //evil/v2/', 'GET //evil/%2f..', 'GET /\\evil'], NOWHERE],
  ['B39', 'a slash too many', ['GET /v2/app/tags/list/', 'GET /v2/_catalog/'], NOWHERE],
  ['B39', 'a slash too few', 'POST /v2/app/blobs/uploads', '202', OURS],
  ['B39', 'a script as a tag', 'GET /v2/app/manifests/javascript:alert(1)', '400 DIGEST_INVALID'],
]

function upload(headers: Record<string, string>): Sent {
  return { line: UPLOADS, headers }
}

function page(headers: Record<string, string>): Sent {
  return { line: 'GET /v2/app/tags/list?n=1', headers }
}

function host(name: string): Sent {
  return bytes(`${UPLOADS} HTTP/1.1\r\nHost: ${name}\r\n${CLOSE}\r\n`)
}
