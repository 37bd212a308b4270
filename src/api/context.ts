import type { ParameterizedContext, Middleware } from 'koa'
import type { RouterContext } from '@koa/router'
import type { Logger } from 'pino'
import type { Principal } from '../access/ports.ts'
import type { RegistryError } from '../oci/errors.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Auditing } from './audit.ts'
import type { Client } from './client.ts'
import type { Allowance } from './client-limits.ts'
import type { Rights } from '../registry/ports.ts'
import type { TurnsInit } from './turns.ts'

/** Where this room logs to. */
export type ApiLog = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** The repository that a request is about. */
export interface Repository {
  /** Under which it is kept here. */
  readonly name: RepositoryName
  /** As the request calls it. */
  readonly asked: RepositoryName
  /** The request's `ns`, where it counts. */
  readonly namespace: string | undefined
  /** Why there is no such repository, or none that this can be done to: only for whoever may do it. */
  readonly wrong?: RegistryError
}

/** What a request carries through the middleware. */
export interface ApiState {
  /** Also in `X-Request-Id` and in the log line. */
  requestId: string
  /** Aborted when the client goes away. */
  signal: AbortSignal
  /** From where it was sent. */
  client: Client
  /** Whether the name he called us may be a web page's, which was pointed here (DNS rebinding). */
  isStrangeHost?: boolean
  /** What its sender may use; absent where nobody is limited. */
  allowance?: Allowance
  /** Who asks; set by the guard of the route. */
  principal?: Principal
  /** What he may do beyond what the route needs; set by the guard as well. */
  rights?: Rights
  /** Set for routes with a name in their path. */
  repository?: Repository
  /** Its namespace, which answers name to whoever the guard let through. */
  namespace?: string
  /** Body bytes handed to the socket by the pump. */
  sent?: number
  /** What the audit log will be told; absent where there is none. */
  audit?: Auditing
  /** What was thrown, for the log line. */
  error?: unknown
}

export type ApiContext = ParameterizedContext<ApiState>
export type ApiMiddleware = Middleware<ApiState>
/** The context a route's handler gets: with `params`. */
export type RouteContext = RouterContext<ApiState>

/** Bounds of the HTTP room. */
export interface ApiLimits {
  /** Largest blob, in bytes. */
  blob: number
  /** A request body without a byte for so long is given up, in ms (default 30 s). The upload can be resumed. */
  bodyIdleMs: number
  /** Bytes a second that an upload must bring, over `bodyIdleMs`; 0: any byte will do (default 512). */
  minUploadRate: number
  /**
   * A reader that takes nothing for so long is cut off, in ms (default 60 s). Any progress counts, so a slow link
   * is no reason.
   */
  sendStallMs: number
  /** Manifest bytes that may be in memory at once over all requests (default 128 MiB); beyond, 503. */
  manifestBytes: number
  /**
   * Downloads that may read and send at once. While up to `few` (default 16) are under way, each holds three chunks of
   * 1 MiB, two of them read ahead; of more, and of those who are slow (1 s), each holds 64 KiB. At most `most` (default 32)
   * are at work, one chunk each, and the others take turns.
   */
  downloads: TurnsInit
}

/** The bounds that no configuration key sets. */
export const DEFAULT_LIMITS: Omit<ApiLimits, 'blob'> = {
  bodyIdleMs: 30_000,
  minUploadRate: 512,
  sendStallMs: 60_000,
  manifestBytes: 128 * 1024 * 1024,
  downloads: { few: 16, most: 32, patienceMs: 1_000 },
}
