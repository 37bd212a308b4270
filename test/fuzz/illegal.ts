import fc from 'fast-check'
import { requests } from './requests.ts'
import type { IllegalPlan } from './plan.ts'

/** A request behind the one that is wrong: whoever answers it has read on where nobody knows what is meant. */
const CANARY = 'GET /healthz?canary HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** A request as it would be sent, taken apart. */
export interface Parts {
  line: string
  headers: string[]
  body: Buffer
}

type Break = (parts: Parts, at: number) => Buffer

function whole({ line, headers, body }: Parts, end = '\r\n'): Buffer {
  const head = [line, ...headers, '', ''].join(end)
  return Buffer.concat([Buffer.from(head, 'latin1'), body])
}

const withHeader =
  (...added: string[]): Break =>
  (parts) =>
    whole({ ...parts, headers: [...parts.headers, ...added] })

const withLine =
  (change: (line: string) => string): Break =>
  (parts) =>
    whole({ ...parts, line: change(parts.line) })

/** Some of the bytes in the middle of the head are changed. */
const scrambled =
  (change: (head: Buffer, index: number) => Buffer): Break =>
  (parts, at) => {
    const head = whole({ ...parts, body: Buffer.alloc(0) })
    return Buffer.concat([change(head, Math.floor(at * head.length)), parts.body])
  }

/**
 * Ways in which bytes are no HTTP request, or leave open where it ends. None may be answered as if it were one, and
 * what follows must not be read as a request (request smuggling).
 */
const STRICT: Readonly<Record<string, Break>> = {
  'both lengths': withHeader('Content-Length: 5', 'Transfer-Encoding: chunked'),
  'two lengths': withHeader('Content-Length: 5', 'Content-Length: 6'),
  'a length with a sign': withHeader('Content-Length: +5'),
  'a length in hex': withHeader('Content-Length: 0x5'),
  'a length of two numbers': withHeader('Content-Length: 5, 6'),
  'a negative length': withHeader('Content-Length: -1'),
  'a length beyond 64 bits': withHeader('Content-Length: 99999999999999999999'),
  'a coding that is not chunked last': withHeader('Transfer-Encoding: chunked, gzip'),
  'a folded header': withHeader('X-A: 1', ' 2'),
  'a space before the colon': withHeader('X-A : 1'),
  'a header without a colon': withHeader('X-A'),
  'a header without a name': withHeader(': a'),
  'a NUL in a header': withHeader('X-A: a\0b'),
  'a bare carriage return': withHeader('X-A: a\rX-B: b'),
  'bare line feeds': (parts) => whole(parts, '\n'),
  'a long header': withHeader(`X-A: ${'a'.repeat(20_000)}`),
  'many headers': withHeader(...Array.from({ length: 10_000 }, (_, n) => `X-${n}: a`)),
  'a long target': withLine((line) => line.replace(' ', ` /${'a'.repeat(20_000)}`)),
  'another version': withLine((line) => line.replace('1.1', '3.0')),
  'a version that is none': withLine((line) => line.replace('HTTP/1.1', 'HTTP/1.1x')),
  'an unknown method': withLine((line) => `BREW${line.slice(line.indexOf(' '))}`),
  'a space in the target': withLine((line) => line.replace(/ HTTP/, ' x HTTP')),
  'a control character in the target': withLine((line) => line.replace(/ HTTP/, '\x01 HTTP')),
  'a bad chunk size': ({ line, headers }) =>
    whole({
      line,
      headers: [...headers, 'Transfer-Encoding: chunked'],
      body: Buffer.from('xyz\r\n'),
    }),
  'no HTTP at all': () => Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'latin1'),
}

/** What may be a request by chance, or begins as one. Only what comes back must be well-formed. */
const LOOSE: Readonly<Record<string, Break>> = {
  'a changed byte': scrambled((head, at) => {
    head[at] = (head[at] ?? 0) ^ (1 << (at % 8))
    return head
  }),
  'a byte left out': scrambled((head, at) =>
    Buffer.concat([head.subarray(0, at), head.subarray(at + 1)]),
  ),
  'bytes of Latin-1': scrambled((head, at) =>
    Buffer.concat([head.subarray(0, at), Buffer.from([0xe9, 0xff, 0x80]), head.subarray(at)]),
  ),
  'a head that ends early': (parts, at) => {
    const bytes = whole(parts)
    return bytes.subarray(0, Math.floor(at * bytes.length))
  },
  'a longer length than the body': ({ line, headers, body }) =>
    whole({ line, body, headers: [...headers, `Content-Length: ${body.length + 7}`] }),
  'a shorter length than the body': ({ line, headers, body }) =>
    whole({ line, body, headers: [...headers, `Content-Length: ${body.length >> 1}`] }),
  'a request in the body': ({ line, headers }) =>
    whole({ line, headers: [...headers, 'Content-Length: 0'], body: Buffer.from(CANARY) }),
  'chunks that end early': ({ line, headers, body }) =>
    whole({
      line,
      headers: [...headers, 'Transfer-Encoding: chunked'],
      body: Buffer.concat([Buffer.from(`${(body.length + 9).toString(16)}\r\n`), body]),
    }),
  'a trailer': ({ line, headers }) =>
    whole({
      line,
      headers: [...headers, 'Transfer-Encoding: chunked'],
      body: Buffer.from('0\r\nContent-Length: 5\r\nX-A: b\r\n\r\n'),
    }),
  'chunk extensions': ({ line, headers }) =>
    whole({
      line,
      headers: [...headers, 'Transfer-Encoding: chunked'],
      body: Buffer.from(`1;${'a'.repeat(20_000)}\r\nx\r\n0\r\n\r\n`),
    }),
  'no version (HTTP/0.9)': withLine((line) => line.replace(/ HTTP\/1\.1$/, '')),
  'HTTP/1.0': withLine((line) => line.replace('1.1', '1.0')),
  'no Host': ({ line, headers, body }) =>
    whole({ line, body, headers: headers.filter((header) => !/^host:/i.test(header)) }),
  'two Hosts': withHeader('Host: evil.example'),
  CONNECT: ({ headers, body }) => whole({ line: 'CONNECT localhost:22 HTTP/1.1', headers, body }),
  'line ends before the request': (parts) => Buffer.concat([Buffer.from('\r\n\r\n'), whole(parts)]),
}

/** Whether those bytes may be answered as a request at all. */
export function isStrict(how: string): boolean {
  return how in STRICT
}

/** The bytes to send, with a request behind them. */
export function breakRequest(parts: Parts, how: string, at: number): Buffer {
  const broken = (STRICT[how] ?? LOOSE[how])?.(parts, at)
  if (broken === undefined) throw new Error(`no way to break a request is called ${how}`)
  return Buffer.concat([broken, Buffer.from(CANARY)])
}

/** What is no request, or only by chance. */
export const illegal: fc.Arbitrary<IllegalPlan> = fc.record({
  request: requests,
  how: fc.constantFrom(...Object.keys(STRICT), ...Object.keys(LOOSE)),
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
})
