import { contentOf } from './content.ts'
import { KEPT, SECRET } from './names.ts'
import { renderManifest } from './manifest-plan.ts'
import type { BodyPlan, Framing, RequestPlan } from './plan.ts'
import type { Parts } from './illegal.ts'
import type { World } from './world.ts'

/** A request with all its holes filled. */
export interface Request {
  method: string
  target: string
  headers: readonly (readonly [string, string])[]
  body: Buffer
  hasBody: boolean
  framing: Framing
  pieces: number
  /** Media type of the manifest it carries, if it does. */
  type: string
}

/** Fills a plan with what the client knows. */
export function render(plan: RequestPlan, world: World): Request {
  const body = renderBody(plan.body, world)
  const type = plan.body.kind === 'manifest' ? plan.body.manifest.type : ''
  const fill = (text: string): string => world.fill(text, { own: body, type })
  const headers = plan.headers
    // Who has no token presents none.
    .filter(([, value]) => world.hasToken || !value.includes('⟦token'))
    .map(([name, value]) => [name, oneLine(fill(value))] as const)
  return {
    method: plan.method,
    target: printable(fill(plan.target)),
    headers,
    body,
    hasBody: plan.body.kind !== 'none',
    framing: plan.framing,
    pieces: plan.pieces,
    type,
  }
}

function renderBody(plan: BodyPlan, world: World): Buffer {
  switch (plan.kind) {
    case 'none':
      return Buffer.alloc(0)
    case 'content': {
      const bytes = contentOf(plan.content)
      return bytes.subarray(
        Math.floor(plan.from * bytes.length),
        Math.floor(plan.to * bytes.length),
      )
    }
    case 'manifest':
      return renderManifest(plan.manifest, world.manifests)
    case 'text':
      return Buffer.from(world.fill(plan.text))
    case 'bytes':
      return Buffer.from(plan.base64, 'base64')
    case 'repeated':
      return Buffer.from(plan.text.repeat(plan.times))
  }
}

/** What stays of it is what a request line can hold; a text with other characters is encoded as clients do. */
function printable(text: string): string {
  const whole = text === '' ? '/' : text
  return whole.replace(/[^!-~]/gu, (letter) =>
    encodeURIComponent(letter.isWellFormed() ? letter : '?'),
  )
}

function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what a header's value cannot hold
  return text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '?').trim()
}

/**
 * Whether a request may be sent although it is right: what would rightly take away what must be there at the end is not.
 * A method or a path that only a confused server takes for that is sent.
 */
export function isHarmless(request: Pick<Request, 'method' | 'target' | 'body'>): boolean {
  const { method, target } = request
  if (rollsBack(request)) return false
  if (method !== 'DELETE' && method !== 'PUT') return true
  const path = decoded(target)
  // What was is not changed by anybody.
  if (PAST.test(path)) return true
  if (path.includes(SECRET)) return false
  return !path.includes(KEPT) || (method === 'PUT' && path.includes('/blobs/uploads/'))
}

const PAST = /^\/v2\/at\/baf[a-z2-7]{50,100}\/[^.]*$/

/** Whether it would take back, for everybody, what was pushed since some time. */
export function rollsBack({
  method,
  target,
  body,
}: Pick<Request, 'method' | 'target' | 'body'>): boolean {
  if (method !== 'POST' || !decoded(target).includes('/rollback')) return false
  try {
    const asked = JSON.parse(body.toString()) as { dryRun?: unknown } | null
    return asked?.dryRun !== true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

/** A target without its percent-encoding. */
export function decoded(target: string): string {
  return target.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

/** The head and body apart, without the header that tells the length. */
export function partsOf({ method, target, headers, body }: Request): Parts {
  const named = headers.some(([name]) => name.toLowerCase() === 'host')
  const all = named ? headers : [['Host', 'localhost'] as const, ...headers]
  return {
    line: `${method} ${target} HTTP/1.1`,
    headers: all.map(([name, value]) => `${name}: ${value}`),
    body,
  }
}

/** The bytes of a request, cut between its head and its body. */
export function encode(request: Request): { head: Buffer; body: Buffer } {
  const { line, headers } = partsOf(request)
  const { body, framing, hasBody } = request
  const isChunked = framing === 'chunked' && hasBody
  const lines = [line, ...headers]
  if (isChunked) lines.push('Transfer-Encoding: chunked')
  else if (hasBody || ['POST', 'PUT', 'PATCH'].includes(request.method))
    lines.push(`Content-Length: ${body.length}`)
  if (awaitsContinue(request)) lines.push('Expect: 100-continue')
  return {
    head: Buffer.from([...lines, '', ''].join('\r\n'), 'latin1'),
    body: isChunked ? chunked(body) : body,
  }
}

/** Whether the client waits to be asked for the body. */
export function awaitsContinue({ framing, hasBody, headers }: Request): boolean {
  return framing === 'expect' && hasBody && !headers.some(([name]) => name === 'Expect')
}

function chunked(body: Buffer): Buffer {
  const parts: Buffer[] = []
  const size = Math.max(1, Math.ceil(body.length / 3))
  for (let at = 0; at < body.length; at += size) {
    const part = body.subarray(at, at + size)
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}

/** A request for people: its head, and how its body begins. */
export function show(request: Request): string {
  const { head, body } = encode(request)
  const lines = head.toString('latin1').trimEnd().split('\r\n')
  if (body.length > 0)
    lines.push(`[${body.length} bytes] ${JSON.stringify(body.toString('latin1', 0, 400))}`)
  return lines.map((line) => (line.length > 600 ? `${line.slice(0, 600)}…` : line)).join('\n    ')
}
