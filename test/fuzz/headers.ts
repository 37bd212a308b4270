import fc from 'fast-check'
import { digest, headerText } from './texts.ts'

/** A header: its name and its value. */
export type Header = [string, string]

const LONG = 'a'.repeat(8000)

/** Headers that mean something to somebody, each with right, wrong and hostile values. */
const TABLE: Readonly<Record<string, readonly string[]>> = {
  Accept: [
    '*/*',
    'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json',
    'text/html',
    ', ,;q=',
    LONG,
  ],
  'Accept-Encoding': ['gzip, zstd', 'identity;q=0', '*'],
  Range: [
    'bytes=0-0',
    'bytes=0-',
    'bytes=-1',
    'bytes=1-9',
    'bytes=100-',
    'bytes=-1000000',
    'bytes=-0',
    'bytes=5-2',
    'bytes=100-199',
    'bytes=1048575-1048577',
    'bytes=99999999999-',
    'bytes=0-0,2-3',
    'bytes=',
    'bytes=a-b',
    'items=0-1',
    'bytes = 1 - 2',
    `bytes=${'9'.repeat(400)}-`,
    `bytes=${'0-0,'.repeat(1000)}0-0`,
  ],
  'If-Range': ['"x"', '⟦etag⟧', 'Wed, 21 Oct 2015 07:28:00 GMT'],
  'If-None-Match': ['*', '⟦etag⟧', 'W/⟦etag⟧', '"x", ⟦etag⟧', '"', LONG],
  'If-Match': ['*', '"x"', '⟦etag⟧', 'W/⟦etag⟧', '"x", ⟦etag⟧', 'x', ', ,', LONG],
  'If-Modified-Since': ['Wed, 21 Oct 2115 07:28:00 GMT', 'x'],
  'Content-Type': [
    'application/octet-stream',
    'application/json; charset=utf-8',
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.oci.image.index.v1+json;a=b',
    'text/plain',
    ';',
    'a/b, c/d',
    LONG,
  ],
  'Content-Range': ['0-0', '0-99', '5-2', 'abc', '0-9223372036854775807', 'bytes 0-1/2', '-1', ''],
  'Content-Encoding': ['gzip', 'identity', '', 'zstd, gzip', 'Identity'],
  Host: [
    'localhost',
    'localhost:5000',
    'registry.localhost.',
    '127.0.0.1',
    '[::1]:5000',
    'evil.example',
    'a@evil',
    'localhost:99999',
    '[::1',
    '',
    'localhost, evil.example',
    LONG,
  ],
  'OCI-Namespace': ['docker.io', 'kept.example:5000', LONG],
  Origin: ['null', 'http://evil.example', 'http://localhost', 'http://localhost:80', LONG],
  'Sec-Fetch-Site': ['cross-site', 'same-origin'],
  'Sec-Fetch-Mode': ['navigate', 'cors'],
  Connection: ['close', 'keep-alive', 'Upgrade', 'close, Host', 'x'],
  Upgrade: ['h2c', 'websocket', 'HTTP/2.0', 'x'],
  'HTTP2-Settings': ['AAMAAABkAARAAAAAAAIAAAAA'],
  'X-HTTP-Method-Override': ['DELETE', 'PUT'],
  'X-HTTP-Method': ['DELETE'],
  'X-Forwarded-Host': ['evil.example', `a${' ,'.repeat(3000)}b`],
  'X-Forwarded-Proto': ['https', 'javascript'],
  'X-Forwarded-For': [
    ...['127.0.0.1', '10.9.9.9, 127.0.0.1', '::1', '[2001:db8::1]:443', '10.9.9.9:80', 'unknown'],
    ...[',', '', '999.1.1.1', '127.0.0.1\t,\t127.0.0.1', '10.9.9.9, x, 127.0.0.1'],
    Array.from({ length: 500 }, () => '127.0.0.1').join(', '),
  ],
  'X-Real-IP': ['10.9.9.9', 'x'],
  'X-Forwarded-User': ['root'],
  'X-Original-URL': ['/v2/⟦kept⟧/manifests/latest'],
  Forwarded: [
    ...['host=evil.example;proto=https', 'for="[2001:db8::1]:443";by=_x', 'for=10.9.9.9, for=x'],
    ...['for="', ';;,,=', LONG],
  ],
  Authorization: ['Basic Zm9vOmJhcg==', 'Bearer x.y.z', 'Basic', LONG],
  'Proxy-Authorization': ['Basic ⟦login:root⟧'],
  Cookie: [
    ...[
      'a=b',
      '=',
      ';;;',
      'token=⟦token⟧; authorization=Basic ⟦login:root⟧',
      'a="b',
      '__proto__=x',
    ],
    LONG,
  ],
  Expect: ['x', '200-ok'],
  TE: ['trailers', 'chunked'],
  Trailer: ['Content-Length', 'Host'],
  'Keep-Alive': ['timeout=0, max=-1'],
  'Max-Forwards': ['0'],
  'User-Agent': ['docker/29.0.0', LONG],
  'X-Request-Id': ['forged', LONG],
  Via: ['1.1 x'],
}

const tabled: fc.Arbitrary<Header> = fc
  .constantFrom(...Object.entries(TABLE))
  .chain(([name, values]) => fc.tuple(fc.constant(name), fc.constantFrom(...values)))

const etagged = digest.map((text): Header => ['If-None-Match', `"${text}"`])

const made: fc.Arbitrary<Header> = fc.tuple(
  fc.constantFrom(...Object.keys(TABLE), 'X-A', '__proto__', 'constructor', 'a'.repeat(200)),
  fc.oneof(
    headerText,
    fc.string({ unit: fc.constantFrom('\xe9', '\xff', '\t', 'a'), maxLength: 5 }),
  ),
)

/** Headers that nobody asked for; mostly none. */
export const extraHeaders: fc.Arbitrary<Header[]> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Header[]>([]) },
  {
    weight: 4,
    arbitrary: fc.array(fc.oneof({ weight: 8, arbitrary: tabled }, etagged, made), {
      maxLength: 3,
    }),
  },
)

/** A header of that name. */
export function headerLike(name: string): fc.Arbitrary<Header> {
  return fc.constantFrom(...(TABLE[name] ?? [''])).map((value): Header => [name, value])
}
