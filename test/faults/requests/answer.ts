import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import type { Answer } from '../../support/http.ts'
import type { More } from './row.ts'

/** What is looked at in an answer, whether it came through a client or as bytes. */
type Seen = Pick<Answer, 'status' | 'headers' | 'body'>

/** Looks whether an answer is what its row says, and is in any case one that a registry may give. */
export function checkAnswer(seen: Seen, method: string, wanted: string, more: More = {}): void {
  const [statuses = '', codes] = wanted.split(' ')
  const told = `${seen.status} ${seen.body.subarray(0, 300).toString()}`
  assert.ok(statuses.split('|').includes(String(seen.status)), told)
  if (method === 'HEAD') assert.equal(seen.body.length, 0)
  else if (codes !== undefined) checkError(seen, codes.split('|'), told)
  checkHeaders(seen.headers, more.headers)
  if (more.json !== undefined) assert.deepEqual(JSON.parse(seen.body.toString()), more.json)
  if (more.body !== undefined) assert.ok(seen.body.equals(more.body), 'these are other bytes')
  sendsNobodyAway(seen)
}

/** An error body as clients read it, with one error, and without anything of this machine or program in it. */
function checkError({ headers, body }: Seen, codes: string[], told: string): void {
  assert.equal(headers['content-type'], 'application/json', told)
  const { errors } = JSON.parse(body.toString()) as { errors: { code: string; message: string }[] }
  assert.equal(errors.length, 1, told)
  const [error] = errors
  assert.ok(codes.includes(error?.code ?? ''), told)
  assert.match(error?.message ?? '', /\w/, told)
  assert.doesNotMatch(body.toString(), /\n {4}at |\.ts:\d|node:internal|heliport-/, told)
}

function checkHeaders(headers: IncomingHttpHeaders, wanted: More['headers'] = {}): void {
  for (const [name, value] of Object.entries(wanted)) {
    const given = headers[name.toLowerCase()]
    if (value instanceof RegExp) assert.match(String(given), value, name)
    else assert.equal(given, value, name)
  }
}

/** Nothing that a request says gets into a header where it could name a place, or become a header of its own. */
function sendsNobodyAway({ status, headers }: Seen): void {
  assert.ok(status < 300 || status === 304 || status >= 400, `a redirect: ${status}`)
  assert.equal(headers['x-injected'], undefined)
  assert.doesNotMatch(JSON.stringify(headers), /evil|javascript:|https?:/i)
}

/** The only answer on a connection that is closed; none is the empty text. */
export function parseRaw(received: string): Seen {
  assert.equal(received.match(/^HTTP\/1\.1 /gm)?.length, 1, received)
  const [head = '', ...rest] = received.split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  return {
    status: Number(first.split(' ')[1]),
    headers,
    body: Buffer.from(rest.join('\r\n\r\n'), 'latin1'),
  }
}
