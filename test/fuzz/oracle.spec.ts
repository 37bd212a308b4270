import assert from 'node:assert/strict'
import { judge } from './oracle.ts'
import { takeAnswer } from './wire-answer.ts'

const ERROR = '{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown"}]}'
const JSON_TYPE = 'Content-Type: application/json'
const LINES = 'Content-Type: application/x-ndjson'
const DIGEST =
  'Docker-Content-Digest: sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'

function answer(status: number, headers: string[], body = ''): string {
  return [`HTTP/1.1 ${status} X`, ...headers, `Content-Length: ${body.length}`, '', body].join(
    '\r\n',
  )
}

/** Judges what a server may have sent, as the answer to a request. */
function read(bytes: string, method = 'GET', target = '/v2/a/blobs/x'): void {
  const taken = takeAnswer(Buffer.from(bytes, 'latin1'), method, true)
  assert.ok(taken !== undefined, 'there is no answer')
  assert.equal(taken.used, Buffer.byteLength(bytes, 'latin1'), 'there is something behind it')
  judge({ method, target }, taken.answer)
}

describe('the judge of the fuzzing lets pass', () => {
  const good: [string, string, string?, string?][] = [
    ['content', answer(200, [DIGEST], 'hello')],
    ['a part of it', answer(206, [DIGEST, 'Content-Range: bytes 1-2/5'], 'el')],
    ['an answer to HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'HEAD'],
    ['an error', answer(404, [JSON_TYPE], ERROR)],
    [
      'an interim answer before it',
      `HTTP/1.1 100 Continue\r\n\r\n${answer(404, [JSON_TYPE], ERROR)}`,
    ],
    [
      'chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      'POST',
    ],
    ['lines that end well', answer(200, [LINES], '{"report":{}}\n{"done":true}\n')],
    ['lines that end with an error', answer(200, [LINES], `{"a":1}\n${ERROR}\n`)],
    ['tags in order', answer(200, [], '{"name":"a","tags":["a","b"]}'), 'GET', '/v2/a/tags/list'],
  ]
  for (const [what, bytes, method, target] of good) it(what, () => read(bytes, method, target))
})

describe('the judge of the fuzzing finds', () => {
  const bad: [string, RegExp, string, string?, string?][] = [
    ['a 500', /status is 500/, answer(500, [JSON_TYPE], ERROR)],
    ['a 503', /status is 503/, answer(503, [JSON_TYPE], ERROR)],
    ['a redirect', /status is 307/, answer(307, ['Location: http://evil.example'])],
    ['an error without a body', /application\/json/, answer(404, [])],
    [
      'an error with a charset',
      /application\/json/,
      answer(404, [`${JSON_TYPE}; charset=utf-8`], ERROR),
    ],
    [
      'an error that is none of OCI',
      /not registered/,
      answer(404, [JSON_TYPE], ERROR.replace('BLOB_UNKNOWN', 'X')),
    ],
    ['an error that is no JSON', /not JSON/, answer(404, [JSON_TYPE], 'Not Found')],
    ['a stack', /this machine/, answer(404, [JSON_TYPE], ERROR.replace('blob', 'at x.ts:1'))],
    [
      'lines that end with a fault of ours',
      /last line is UNKNOWN/,
      answer(200, [LINES], `{"done":1}\n${ERROR.replace('BLOB_UNKNOWN', 'UNKNOWN')}\n`),
    ],
    ['lines without an end', /no end/, answer(200, [LINES], '{"report":{}}\n')],
    ['a 405 without Allow', /no Allow/, answer(405, [JSON_TYPE], ERROR)],
    ['other content than its digest', /not sha256/, answer(200, [DIGEST], 'jello')],
    ['a part of another length', /has 3 bytes/, answer(206, ['Content-Range: bytes 1-2/5'], 'ell')],
    ['a part beyond the end', /the range is/, answer(206, ['Content-Range: bytes 4-5/5'], 'lo')],
    ['a 201 without a digest', /no digest/, answer(201, ['Location: /v2/a/blobs/x']), 'PUT'],
    [
      'a Location elsewhere',
      /Location is/,
      answer(201, [DIGEST, 'Location: http://evil/v2/a/blobs/x']),
      'PUT',
    ],
    [
      'an upload that does not say where it stands',
      /where it stands/,
      answer(202, ['Location: /v2/a/blobs/uploads/x']),
      'PATCH',
    ],
    [
      'tags out of order',
      /not in order/,
      answer(200, [], '{"name":"a","tags":["b","a"]}'),
      'GET',
      '/v2/a/tags/list',
    ],
    [
      'a tag that is none',
      /no name/,
      answer(200, [], '{"name":"a","tags":["../a"]}'),
      'GET',
      '/v2/a/tags/list',
    ],
    ['an injected header', /injected/, answer(404, [JSON_TYPE, 'X-Injected: yes'], ERROR)],
    ['a header that comes twice', /comes twice/, answer(200, [DIGEST, DIGEST], 'hello')],
    ['bytes behind the answer', /behind it/, `${answer(404, [JSON_TYPE], ERROR)}x`],
    ['a body that is cut short', /cut short/, answer(404, [JSON_TYPE], ERROR).slice(0, -1)],
    ['no length', /its length/, 'HTTP/1.1 200 OK\r\n\r\n'],
    [
      'two lengths',
      /more than once/,
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n',
    ],
    ['a bare line feed', /not well-formed/, 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n'],
    ['a control character in a header', /not well-formed/, answer(200, ['X-A: a\x01b'])],
    [
      'a chunk of another size',
      /another size/,
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n',
    ],
  ]
  for (const [what, complaint, bytes, method, target] of bad)
    it(what, () => assert.throws(() => read(bytes, method, target), complaint))
})
