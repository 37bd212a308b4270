import type { ParameterizedContext, Middleware } from 'koa'
import type { RouterContext } from '@koa/router'
import type { Logger } from 'pino'

/** Where this room logs to. */
export type ApiLog = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** What a request carries through the middleware. */
export interface ApiState {
  /** Also in `X-Request-Id` and in the log line. */
  requestId: string
  /** Aborted when the client goes away. */
  signal: AbortSignal
  /** Body bytes handed to the socket by the pump. */
  sent?: number
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
  /**
   * A reader that takes nothing for so long is cut off, in ms (default 60 s). Any progress counts, so a slow link
   * is no reason.
   */
  sendStallMs: number
  /** Manifest bytes that may be in memory at once over all requests (default 128 MiB); beyond, 503. */
  manifestBytes: number
}

/** The bounds that no configuration key sets. */
export const DEFAULT_LIMITS: Omit<ApiLimits, 'blob'> = {
  bodyIdleMs: 30_000,
  sendStallMs: 60_000,
  manifestBytes: 128 * 1024 * 1024,
}
