import { awaitsContinue, contentLength, hasBody } from './body.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ApiContext, ApiMiddleware } from './context.ts'

/** A body of which so much may be left is read to its end and thrown away, so that the connection can be used again. */
const SMALL_BYTES = 64 * 1024
const BODILESS = new Set(['GET', 'HEAD', 'DELETE'])
/** From a longer one so much is thrown away, or for so long, to let the client see the answer. */
const LINGER_BYTES = 8 * 1024 * 1024
const LINGER_MS = 2_000

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

/**
 * Sends the answer, then closes. Closing at once would make the kernel answer the unread rest with a reset, and
 * the client could lose the answer; so a bounded part of the rest is read and thrown away first.
 */
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
  if (!awaitsContinue(req)) await discard(req, ctx.state.signal)
  res.end()
}

function discard(req: IncomingMessage, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let left = LINGER_BYTES
    const stop = (): void => {
      clearTimeout(timer)
      req.off('data', onData)
      req.pause()
      signal.removeEventListener('abort', stop)
      resolve()
    }
    const onData = (chunk: Buffer): void => {
      if ((left -= chunk.length) <= 0) stop()
    }
    const timer = setTimeout(stop, LINGER_MS)
    signal.addEventListener('abort', stop, { once: true })
    req.once('end', stop)
    req.on('data', onData)
    if (signal.aborted || req.readableEnded) stop()
  })
}

/** The socket's timer counts bytes leaving, so only a reader that takes nothing at all meets it. */
function cutOffWhenStalled(res: ServerResponse, ms: number): void {
  if (res.writableFinished) return
  res.socket?.setTimeout(ms)
  // Before Node's own listener, which then sets the keep-alive time.
  res.prependOnceListener('finish', () => res.socket?.setTimeout(0))
}
