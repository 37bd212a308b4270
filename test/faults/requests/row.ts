import type { CallOptions } from '../../support/http.ts'
import type { Id } from './ids.ts'
import type { Target } from './target.ts'

/**
 * What is sent: `METHOD path`, exactly as it goes over the wire, or that with headers and a body; or bytes that need not be
 * HTTP. In paths and headers `{upload}` is a session of `app` that holds the first 1000 bytes of {@link UPLOADED},
 * and `{elsewhere}` that same session by the name of another repository.
 */
export type Sent = string | ({ line: string } & CallOptions) | { bytes: string | Uint8Array }

/** What more there is to say of an answer, and of what it left behind. */
export interface More {
  /** Headers that it has; `undefined`: that it has not. */
  headers?: Record<string, string | RegExp | undefined>
  json?: unknown
  body?: Uint8Array
  /** The tree may be another afterwards; without this it must be the same. */
  changes?: true
}

/** What is done, where one request is not enough to say it. */
export type Story = (target: Target) => Promise<void>

/**
 * A row of the table: its id, what is wrong with it, what is sent (of several, each is answered so), and what comes back:
 * `<status> <code>`, either with alternatives (`400|404 NAME_INVALID|UNSUPPORTED`); after bytes that are not HTTP, the
 * connection is closed as well.
 */
export type Row =
  | readonly [id: Id, what: string, sent: Sent | readonly Sent[], answer: string, more?: More]
  | readonly [id: Id, what: string, story: Story, more?: Pick<More, 'changes'>]

/** For stories and requests after which the tree is another. */
export const CHANGES = { changes: true } as const
