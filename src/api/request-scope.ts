import { randomUUID } from 'node:crypto'
import { AddressRanges } from './address-ranges.ts'
import { clientOf } from './client.ts'
import { openScope } from './connection.ts'
import type { ApiContext, ApiLog, ApiMiddleware } from './context.ts'

const QUIET = new Set(['/healthz', '/readyz'])

/** Gives every request its id, its sender, its signal, the headers all answers have, and its one line in the log. */
export function requestScope(
  log: ApiLog,
  trusted: AddressRanges = new AddressRanges([]),
): ApiMiddleware {
  return async (ctx, next) => {
    const started = performance.now()
    const scope = openScope(ctx.req.socket)
    ctx.state.requestId = randomUUID()
    ctx.state.signal = scope.signal
    ctx.state.client = clientOf(ctx.req, trusted)
    setCommonHeaders(ctx)
    // A response is over when its last byte left or its connection closed, which is later than `next` returns.
    const over = Promise.withResolvers<void>()
    ctx.res.once('close', over.resolve)
    scope.signal.addEventListener('abort', () => over.resolve(), { once: true })
    try {
      await next()
    } finally {
      void over.promise.then(() => {
        scope.end()
        logLine(log, ctx, performance.now() - started)
      })
    }
  }
}

/** Headers of every answer, also of errors (which drop all others). */
export function setCommonHeaders(ctx: ApiContext): void {
  ctx.set('X-Request-Id', ctx.state.requestId)
  ctx.set('X-Content-Type-Options', 'nosniff')
  if (ctx.path.startsWith('/v2')) ctx.set('Docker-Distribution-Api-Version', 'registry/2.0')
}

function logLine(log: ApiLog, ctx: ApiContext, ms: number): void {
  const { res, state } = ctx
  const aborted = !res.writableFinished
  const line = {
    id: state.requestId,
    address: state.client.address,
    method: ctx.method,
    path: ctx.path,
    status: res.headersSent ? res.statusCode : undefined,
    bytes: state.sent ?? bodyLength(ctx),
    ms: Math.round(ms),
    ...(aborted ? { aborted } : {}),
    ...(state.error === undefined ? {} : { err: state.error }),
  }
  log[levelOf(ctx, aborted)](line, 'request')
}

function levelOf(ctx: ApiContext, aborted: boolean): 'debug' | 'info' | 'warn' | 'error' {
  if (QUIET.has(ctx.path)) return 'debug'
  // An answer cut short by us, not by the client, carries the error that cut it.
  if (aborted && ctx.state.error !== undefined && ctx.res.headersSent) return 'error'
  if (aborted || ctx.res.statusCode < 500) return 'info'
  return ctx.res.statusCode === 500 ? 'error' : 'warn'
}

function bodyLength(ctx: ApiContext): number {
  if (!ctx.res.headersSent || ctx.method === 'HEAD') return 0
  return Number(ctx.res.getHeader('Content-Length') ?? 0)
}
