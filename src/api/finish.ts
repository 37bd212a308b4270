import { awaitsContinue, contentLength, hasBody } from './body.ts'
import { discard } from './linger.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ApiContext, ApiMiddleware } from './context.ts'

/** A body of which so much may be left is read to its end and thrown away, so that the connection can be used again. */
const SMALL_BYTES = 64 * 1024
const BODILESS = new Set(['GET', 'HEAD', 'DELETE'])

/**
 * Sees to it that an answer ends, whatever the client does: a reader that takes nothing is cut off, and a body that
 * nobody wanted to read does not go on for ever (Node would read it to its end).
 */
export function finishAnswer({ sendStallMs }: { sendStallMs: number }): ApiMiddleware {
  return async (ctx, next) => {
    const long = hasBody(ctx.req) && !isSmall(ctx.req)
    // Methods whose body means nothing: what they answer may be streamed, so this is decided before.
    if (long && BODILESS.has(ctx.method)) ctx.res.shouldKeepAlive = false
    await next()
    if (ctx.state.signal.aborted) {
      ctx.respond = false
      return
    }
    cutOffWhenStalled(ctx.res, sendStallMs)
    if (ctx.req.complete || ctx.res.writableEnded || isSmall(ctx.req)) ctx.req.resume()
    else await answerAndClose(ctx)
  }
}

function isSmall(req: IncomingMessage): boolean {
  // Who waits for `100 Continue` may send the body or not: only a new connection makes that clear.
  return (contentLength(req) ?? Infinity) <= SMALL_BYTES && !awaitsContinue(req)
}

/** Sends the answer, throws away a part of the body that nobody wanted, then closes. */
async function answerAndClose(ctx: ApiContext): Promise<void> {
  const { req, res } = ctx
  ctx.respond = false
  res.shouldKeepAlive = false
  const body = ctx.body as Buffer | null | undefined
  if (body === null || body === undefined || ctx.method === 'HEAD') {
    // Else only the end of the connection, which comes later, would tell that there is no body.
    if (!res.hasHeader('Content-Length') && res.statusCode !== 204 && res.statusCode !== 304)
      res.setHeader('Content-Length', '0')
    res.flushHeaders()
  } else res.write(body)
  if (!awaitsContinue(req)) await discard(req)
  res.end()
}

/** The socket's timer counts bytes leaving, so only a reader that takes nothing at all meets it. */
function cutOffWhenStalled(res: ServerResponse, ms: number): void {
  if (res.writableFinished) return
  res.socket?.setTimeout(ms)
  // Before Node's own listener, which then sets the keep-alive time.
  res.prependOnceListener('finish', () => res.socket?.setTimeout(0))
}
