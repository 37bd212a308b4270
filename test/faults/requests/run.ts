import assert from 'node:assert/strict'
import { checkAnswer, parseRaw } from './answer.ts'
import type { CallOptions } from '../../support/http.ts'
import type { More, Row, Sent, Story } from './row.ts'
import type { Target } from './target.ts'

type StoryRow = Extract<Row, readonly [unknown, unknown, Story, unknown?]>

/** What must not be answered behind bytes that are no good. */
const SECOND = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** Sends what a row says, and looks at the answers, the tree and the daemon. */
export async function run(target: Target, row: Row): Promise<void> {
  const root = await target.root()
  if (isStory(row)) await row[2](target)
  else
    for (const each of [row[2]].flat<readonly (Sent | readonly Sent[])[]>())
      await send(target, each, row[3], row[4])
  const more = isStory(row) ? row[3] : row[4]
  if (more?.changes === undefined) assert.equal(await target.root(), root, 'the tree has changed')
  await target.isWell()
}

/** The name of a row, with its answer. */
export function title(row: Row): string {
  const [, what] = row
  if (isStory(row)) return what
  return `${what}: ${row[3] === '' ? 'closed' : row[3]}`
}

function isStory(row: Row): row is StoryRow {
  return typeof row[2] === 'function'
}

async function send(target: Target, sent: Sent, wanted: string, more: More = {}): Promise<void> {
  if (typeof sent === 'string') return sendRequest(target, { line: sent }, wanted, more)
  if ('line' in sent) return sendRequest(target, sent, wanted, more)
  const raw = target.raw().write(sent.bytes).write(SECOND)
  const received = await raw.closed()
  if (wanted === '') assert.equal(received, '')
  else checkAnswer(parseRaw(received), 'GET', wanted, more)
}

async function sendRequest(
  target: Target,
  { line, ...options }: { line: string } & CallOptions,
  wanted: string,
  more: More,
): Promise<void> {
  const upload = /\{(upload|elsewhere)\}/.test(line) ? await target.startUpload() : undefined
  const fill = (text: string): string =>
    text
      .replace('{upload}', upload ?? '')
      .replace('{elsewhere}', upload?.replace('/app/', '/another/') ?? '')
  const [method = '', path = ''] = fill(line).split(' ')
  const answer = await target.call(method, path, options)
  const headers = Object.entries(more.headers ?? {}).map(
    ([name, value]) => [name, typeof value === 'string' ? fill(value) : value] as const,
  )
  checkAnswer(answer, method, wanted, { ...more, headers: Object.fromEntries(headers) })
  if (upload !== undefined) await target.finishes(upload)
  // An upload that was begun by the way.
  const begun = answer.status === 202 && method === 'POST' ? answer.headers.location : undefined
  if (begun !== undefined) await target.client.expect(204, 'DELETE', begun)
}
