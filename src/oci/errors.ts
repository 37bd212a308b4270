import type { Notice } from './notice.ts'

/**
 * Every error a registry client may see, as one table.
 *
 * The codes are those of the OCI distribution-spec ("Error Codes"), the few that CNCF Distribution added and clients know
 * (`TAG_INVALID`, `PAGINATION_NUMBER_INVALID`, `RANGE_INVALID`, `UNAVAILABLE`, `UNKNOWN`), and two of our own for what
 * neither has a word for (`TOO_LARGE`, `INSUFFICIENT_STORAGE`).
 * The HTTP status belongs to the code, so no other room chooses a number.
 */
const TABLE = {
  BLOB_UNKNOWN: { status: 404, message: 'blob unknown to registry' },
  BLOB_UPLOAD_INVALID: { status: 400, message: 'blob upload invalid' },
  BLOB_UPLOAD_UNKNOWN: { status: 404, message: 'blob upload unknown to registry' },
  DENIED: { status: 403, message: 'requested access to the resource is denied' },
  DIGEST_INVALID: { status: 400, message: 'provided digest did not match uploaded content' },
  INSUFFICIENT_STORAGE: { status: 507, message: 'the registry has no room left on its disk' },
  MANIFEST_BLOB_UNKNOWN: {
    status: 400,
    message: 'manifest references a manifest or blob unknown to registry',
  },
  MANIFEST_INVALID: { status: 400, message: 'manifest invalid' },
  MANIFEST_UNKNOWN: { status: 404, message: 'manifest unknown to registry' },
  NAME_INVALID: { status: 400, message: 'invalid repository name' },
  NAME_UNKNOWN: { status: 404, message: 'repository name not known to registry' },
  PAGINATION_NUMBER_INVALID: { status: 400, message: 'invalid number of results requested' },
  RANGE_INVALID: { status: 416, message: 'invalid content range' },
  SIZE_INVALID: { status: 400, message: 'provided length did not match content length' },
  TAG_INVALID: { status: 400, message: 'invalid tag' },
  TOO_LARGE: { status: 413, message: 'content is larger than this registry accepts' },
  TOOMANYREQUESTS: { status: 429, message: 'too many requests' },
  UNAUTHORIZED: { status: 401, message: 'authentication required' },
  UNAVAILABLE: { status: 503, message: 'the registry cannot answer this now' },
  UNKNOWN: { status: 500, message: 'unknown error' },
  UNSUPPORTED: { status: 405, message: 'the operation is unsupported' },
} as const

/** An error code of the OCI distribution API. */
export type ErrorCode = keyof typeof TABLE

/** What a {@link RegistryError} may carry besides its code. */
export interface RegistryErrorInit {
  /** What went wrong, for the person at the client; replaces the code's own sentence. */
  message?: string
  /** Machine-readable detail for the error body. Never holds paths or secrets of this machine. */
  detail?: unknown
  /** What happened below; goes to the log only. */
  cause?: unknown
  /** Another status than the code's own, where the spec wants one (413 for an oversized manifest). */
  status?: number
  /** Headers the answer needs (`Range` and `Location` beside a 416, `Retry-After` beside a 503). */
  headers?: Record<string, string>
  /** What the answer has to do with mirrors: something is not here, and one that may have it could not be asked. */
  notices?: readonly Notice[]
}

/**
 * "The request is wrong, or cannot be served": the one error class that reaches a client as it is.
 * Anything else that is thrown becomes a 500 (or 503) whose cause is only in the log.
 */
export class RegistryError extends Error {
  static override readonly name = 'RegistryError'
  override readonly name = 'RegistryError'
  readonly code: ErrorCode
  readonly status: number
  readonly detail: unknown
  readonly headers: Record<string, string>
  readonly notices: readonly Notice[]

  constructor(code: ErrorCode, init: RegistryErrorInit = {}) {
    super(init.message ?? TABLE[code].message, { cause: init.cause })
    this.code = code
    this.status = init.status ?? TABLE[code].status
    this.detail = init.detail
    this.headers = init.headers ?? {}
    this.notices = init.notices ?? []
  }

  /** The same error, which says more of mirrors. */
  with(notices: readonly Notice[]): RegistryError {
    const { code, message, detail, status, headers } = this
    return new RegistryError(code, { message, detail, cause: this, status, headers, notices })
  }
}

/** True for an error made here with that code (any code, when none is named). */
export function isRegistryError(error: unknown, code?: ErrorCode): error is RegistryError {
  return error instanceof RegistryError && (code === undefined || error.code === code)
}

/** Every code with its status and sentence, for the documentation and its test. */
export function errorTable(): Readonly<Record<ErrorCode, { status: number; message: string }>> {
  return TABLE
}
