import { bytes, chunks, CHUNKED, CLOSE, get, HOST, post } from './bytes.ts'
import type { Row } from './row.ts'

const NOT_HTTP = '400 UNSUPPORTED'
const TOO_LONG = '431 UNSUPPORTED'
const LENGTH = 'Content-Length: 5\r\n'
const LONG = 'a'.repeat(20_000)
const GZIPPED = 'Transfer-Encoding: gzip, chunked\r\n'

/** B37: each is followed by a good request, which must not be answered. */
export const SMUGGLING: readonly Row[] = [
  ['B37', 'both ways to tell a length', post(LENGTH + CHUNKED), NOT_HTTP],
  ['B37', 'the same in the other order', post(CHUNKED + LENGTH), NOT_HTTP],
  ['B37', 'two lengths', post(`${LENGTH}Content-Length: 6\r\n`), NOT_HTTP],
  ['B37', 'the same length twice', post(LENGTH + LENGTH), NOT_HTTP],
  ['B37', 'a list of lengths', post('Content-Length: 5, 5\r\n'), NOT_HTTP],
  ['B37', 'a length with a sign', post('Content-Length: +5\r\n'), NOT_HTTP],
  ['B37', 'a negative length', post('Content-Length: -5\r\n'), NOT_HTTP],
  ['B37', 'a length in hexadecimal', post('Content-Length: 0x5\r\n'), NOT_HTTP],
  ['B37', 'a length of 23 digits', post(`Content-Length: ${'9'.repeat(23)}\r\n`), NOT_HTTP],
  ['B37', 'chunked twice', post(CHUNKED + CHUNKED, '0\r\n\r\n'), NOT_HTTP],
  ['B37', 'nearly chunked', post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'), NOT_HTTP],
  ['B37', 'not chunked', post('Transfer-Encoding: identity\r\n'), NOT_HTTP],
  ['B37', 'a chunked gzip', post(GZIPPED + CLOSE, '0\r\n\r\n'), '415 UNSUPPORTED'],
  ['B37', 'a folded header', post('X-A: 1\r\n 2\r\n'), NOT_HTTP],
  ['B37', 'bare line feeds', bytes('GET /v2/ HTTP/1.1\nHost: localhost\n\n'), NOT_HTTP],
  ['B37', 'bare carriage returns', bytes('GET /v2/ HTTP/1.1\rHost: localhost\r\r'), NOT_HTTP],
  ['B37', 'a carriage return in a header', post('X-A: a\rb\r\n'), NOT_HTTP],
  ['B37', 'a NUL in a header', post('X-A: a\0b\r\n'), NOT_HTTP],
  ['B37', 'a space before the colon', post('X-A : 1\r\n'), NOT_HTTP],
  ['B37', 'a header without a name', post(': 1\r\n'), NOT_HTTP],
  ['B37', 'a header without a colon', post('X-A\r\n'), NOT_HTTP],
  ['B37', 'a chunk size that is none', chunks('xyz\r\n'), NOT_HTTP],
  ['B37', 'a negative chunk size', chunks('-1\r\nx\r\n'), NOT_HTTP],
  ['B37', 'a chunk size beyond all numbers', chunks(`${'f'.repeat(17)}\r\n`), NOT_HTTP],
  ['B37', 'bare line feeds between chunks', chunks('2\n{}\n0\n\n'), NOT_HTTP],
  ['B37', 'a chunk longer than it says', chunks('2\r\n{}{}\r\n0\r\n\r\n'), NOT_HTTP],
  ['B37', 'a chunk extension of 20 KB', chunks(`2;${LONG}\r\n{}\r\n`), '413 UNSUPPORTED'],
  ['B37', 'a trailer of 20 KB', chunks(`0\r\nX-A: ${LONG}\r\n\r\n`), TOO_LONG],
  ['B37', 'a header of 20 KB', post(`X-A: ${LONG}\r\n`), TOO_LONG],
  ['B37', '10,000 headers', post('X: a\r\n'.repeat(10_000)), TOO_LONG],
  ['B37', 'an address of 20 KB', get(`/v2/${LONG}`), TOO_LONG],
  ['B37', 'an address that is none', get('http://[::1/v2/'), NOT_HTTP],
  ['B37', 'an address elsewhere', get('http://evil.example/v2/'), NOT_HTTP],
  ['B37', 'an address that is not HTTP', get('ftp://localhost/v2/'), NOT_HTTP],
  ['B37', 'an unknown version', get('/v2/', '3.7'), NOT_HTTP],
  ['B37', 'an unknown method', bytes(`BREW /v2/ HTTP/1.1\r\n${HOST}\r\n`), NOT_HTTP],
  ['B37', 'HTTP/2', bytes('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), NOT_HTTP],
  ['B37', 'TLS', bytes('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'), NOT_HTTP],
]
