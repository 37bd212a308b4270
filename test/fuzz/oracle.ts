import { digestOf, tryParseDigest } from '../../src/oci/digest.ts'
import { errorTable } from '../../src/oci/errors.ts'
import { tryParseName, tryParseTag } from '../../src/oci/name.ts'
import { headerOf, headersOf } from './wire-answer.ts'
import type { Request } from './render.ts'
import type { WireAnswer } from './wire-answer.ts'

/** An answer that no request may get. */
export class Violation extends Error {
  static override readonly name = 'Violation'
  override readonly name = 'Violation'
}

const CODES: ReadonlySet<string> = new Set(Object.keys(errorTable()))

/** Headers that must not come twice. */
const SINGLE = ['content-type', 'location', 'docker-content-digest', 'content-range', 'etag']

/** What tells about this machine or program. */
const SECRETS = /\n {4}at |\.ts:\d|node:internal|node_modules|\/tmp\/|heliport-[A-Za-z0-9]{6}/

/**
 * Checks what must hold for every answer, whatever was asked. What the right answer to each request is, other suites
 * know; here it is that no answer is wrong in itself.
 *
 * @throws Violation
 */
export function judge(
  { method, target, body: sent }: Pick<Request, 'method' | 'target'> & { body?: Buffer },
  answer: WireAnswer,
): void {
  const { status, headers, body } = answer
  must(status < 500, `the status is ${status}`)
  must(
    status >= 200 && (status < 300 || status === 304 || status >= 400),
    `the status is ${status}`,
  )
  for (const name of SINGLE) must(headersOf(answer, name).length <= 1, `${name} comes twice`)
  must(!headers.some(([name]) => name === 'x-injected'), 'a header was injected')
  must(!headers.some(([name]) => name === 'content-encoding'), 'the body is encoded')
  if (headerOf(answer, 'content-type') === 'application/x-ndjson') judgeLines(answer)
  if (status >= 400) judgeError(method, answer, sent)
  else if (target.startsWith('/v2/')) judgeContent(method, target, answer)
  must(status !== 204 || body.length === 0, 'a 204 has a body')
}

/** Lines of JSON that came one after another: only the last says whether it ended well. */
function judgeLines({ body }: WireAnswer): void {
  const lines = body.toString('utf8').trimEnd().split('\n').map(parse)
  const last = lines.at(-1) as { done?: unknown; errors?: { code?: string }[] } | undefined
  if (last?.errors === undefined) return must(last?.done === true, 'the last line is no end')
  for (const { code = '' } of last.errors) {
    const known = (errorTable() as Readonly<Record<string, { status: number } | undefined>>)[code]
    must(known !== undefined && known.status < 500, `the last line is ${code}`)
  }
}

function judgeError(method: string, answer: WireAnswer, sent?: Buffer): void {
  const { status, body } = answer
  if (status === 405) must(headerOf(answer, 'allow') !== undefined, 'a 405 has no Allow')
  if (status === 429 || status === 503)
    must(headerOf(answer, 'retry-after') !== undefined, `a ${status} has no Retry-After`)
  if (method === 'HEAD') return
  must(headerOf(answer, 'content-type') === 'application/json', 'an error is not application/json')
  const text = body.toString('utf8')
  const { errors } = parse(text) as { errors?: { code?: unknown; message?: unknown }[] }
  must(Array.isArray(errors) && errors.length > 0, 'an error body has no errors')
  for (const { code, message } of errors ?? []) {
    must(typeof code === 'string' && CODES.has(code), `the code ${String(code)} is not registered`)
    must(typeof message === 'string' && message !== '', 'an error has no message')
  }
  must(!SECRETS.test(withoutPaths(text, sent)), 'an error tells about this machine')
}

/** What the request itself has named is no news to who sent it. */
function withoutPaths(text: string, sent: Buffer = Buffer.alloc(0)): string {
  const named = sent.length > 10_000 ? [] : sent.toString('utf8').matchAll(/"(\/[^"]+)"/g)
  return [...named].reduce((rest, [, path = '']) => rest.replaceAll(path, ''), text)
}

function judgeContent(method: string, target: string, answer: WireAnswer): void {
  const [path = ''] = target.split('?')
  const { status } = answer
  const digest = headerOf(answer, 'docker-content-digest')
  must(digest === undefined || tryParseDigest(digest) !== undefined, 'the digest is none')
  if (status === 201) must(digest !== undefined, 'a 201 has no digest')
  if (status === 201 || (status === 202 && method !== 'DELETE')) judgeLocation(answer)
  if (method !== 'GET') return
  if (status === 200 && digest !== undefined) {
    const algorithm = digest.startsWith('sha256') ? 'sha256' : 'sha512'
    must(digestOf(answer.body, algorithm) === digest, `the body is not ${digest}`)
  }
  if (status === 206) judgePart(answer)
  if (status === 200 && /\/(tags\/list|_catalog)$/.test(path)) judgeListing(answer)
}

function judgeLocation(answer: WireAnswer): void {
  const location = headerOf(answer, 'location') ?? ''
  const name = /^\/v2\/(.+)\/(?:blobs|manifests|blobs\/uploads)\/[^/]+$/.exec(location)?.[1]
  const repository = name?.replace(/\/blobs$/, '')
  must(tryParseName(repository) !== undefined, `the Location is ${JSON.stringify(location)}`)
  if (answer.status === 202)
    must(/^0-\d+$/.test(headerOf(answer, 'range') ?? ''), 'an upload does not say where it stands')
}

function judgePart(answer: WireAnswer): void {
  const range = headerOf(answer, 'content-range') ?? ''
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range) ?? []
  must(size !== undefined, `the Content-Range is ${JSON.stringify(range)}`)
  must(Number(last) < Number(size) && Number(first) <= Number(last), `the range is ${range}`)
  must(
    answer.body.length === Number(last) - Number(first) + 1,
    `${range} has ${answer.body.length} bytes`,
  )
}

function judgeListing({ body }: WireAnswer): void {
  const { tags, repositories } = parse(body.toString('utf8')) as Record<string, unknown>
  const names = tags ?? repositories
  must(Array.isArray(names), 'a listing has no list')
  const list = names as string[]
  const isName = tags === undefined ? tryParseName : tryParseTag
  must(
    list.every((name) => isName(name) !== undefined),
    'a listing holds what is no name',
  )
  must(
    list.every((name, n) => n === 0 || (list[n - 1] ?? '') < name),
    'a listing is not in order',
  )
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Violation(`the body is not JSON: ${JSON.stringify(text.slice(0, 200))}`, {
      cause: error,
    })
  }
}

function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Violation(otherwise)
}
