import { WrongPassword } from '../access/ports.ts'
import type { RegistryError } from '../oci/errors.ts'
import type { Tag } from '../oci/name.ts'

/** What was done, or was to be done, in the words of the audit log (docs/audit.md). */
export type AuditedAction =
  | 'push-blob'
  | 'push-manifest'
  | 'tag'
  | 'mount'
  | 'delete-tag'
  | 'delete-manifest'
  | 'delete-blob'
  | 'delete-repository'
  | 'pull-manifest'
  | 'pull-blob'
  | 'enter'
  | 'list'
  | 'upload'
  | 'status'
  | 'key-list'
  | 'log'
  | 'diff'
  | 'gc'
  | 'fsck'
  | 'fsck-repair'
  | 'rollback'
  | 'key-export'
  | 'key-import'
  | 'key-takeover'
  | 'export'

/** Why something was not done. */
export type Refusal = 'login-failed' | 'denied' | 'rate-limited'

/**
 * A line of the audit log. Everything in it was parsed, or is ours: text of a client that could be anything (a password
 * in the wrong place) is left out.
 */
export interface AuditEntry {
  /** As in `X-Request-Id` and in the request log. */
  readonly request: string
  /** Proven by credentials. The name of a login that failed is not told: it may be a password. */
  readonly user: string | undefined
  readonly address: string | undefined
  readonly action: AuditedAction | Refusal
  /** What a refused request wanted. */
  readonly wanted?: AuditedAction | undefined
  readonly repository: string | undefined
  readonly reference: string | undefined
  readonly digest: string | undefined
  /** From which repository a blob was mounted, if the client said so. */
  readonly from?: string | undefined
  /** The name of a key of this node. */
  readonly key?: string | undefined
  /** The root that was gone back to. */
  readonly root?: string | undefined
  readonly status: number
  /** Of a failed login: a password was found wrong. No field of the line; it decides which lines there is room for. */
  readonly isGuess?: boolean
  /** Bytes of the content that was stored, or sent. */
  readonly bytes: number | undefined
}

/** Where entries go. The daemon implements it; HTTP only gathers them. */
export interface AuditSink {
  /** Whether pulls are wanted as well. */
  readonly pulls: boolean
  /**
   * Writes a line. Resolves when the system has it, or cannot take it now: it never throws, and never waits long.
   */
  write(entry: AuditEntry): Promise<void>
}

/** What only a handler knows of what it did. */
export interface AuditNotes {
  bytes?: number
  /** Tags that were set beside the one in the path. */
  tags?: readonly Tag[]
  mounted?: boolean
  key?: string
  root?: string
  /** Of a command: whether it is to change something, or only tries (`--dry-run`). */
  changes?: boolean
  /** That what was presented proved nothing, and how. Whoever looked at it says so: a form has no header that would tell. */
  loginFailed?: 'guess' | 'other'
}

/** What a request carries for the audit log. */
export interface Auditing {
  /** The route that took the request: `PUT /v2/*name/manifests/:reference`. */
  route?: string
  readonly notes: AuditNotes
  /** Writes the entry now, once: for answers that end before their handler does. */
  tell(): Promise<void>
}

/** A request that was refused as it came: its address has too many connections. Only its headers were read. */
export interface RefusedRequest {
  /** As in `X-Request-Id`. */
  readonly request: string
  readonly address: string
}

/** The line for it. */
export function refusedRequest({ request, address }: RefusedRequest): AuditEntry {
  return {
    request,
    user: undefined,
    address,
    action: 'rate-limited',
    repository: undefined,
    reference: undefined,
    digest: undefined,
    status: 429,
    bytes: undefined,
  }
}

/** Remembers facts for the audit log, if there is one. */
export function noteForAudit(
  { state }: { readonly state: { readonly audit?: Auditing } },
  notes: AuditNotes,
): void {
  if (state.audit !== undefined) Object.assign(state.audit.notes, notes)
}

/** Remembers that somebody did not prove who he is. */
export function noteFailedLogin(
  ctx: { readonly state: { readonly audit?: Auditing } },
  { cause }: RegistryError,
): void {
  noteForAudit(ctx, { loginFailed: cause instanceof WrongPassword ? 'guess' : 'other' })
}
