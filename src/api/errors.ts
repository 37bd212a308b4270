import { RegistryError } from '../oci/errors.ts'
import { sendJson } from './answer.ts'
import { setCommonHeaders } from './request-scope.ts'
import { sendWarnings } from './warnings.ts'
import type { ApiContext, ApiMiddleware } from './context.ts'

/** The disk is full: the client may try again when someone has made room. */
const FULL = new Set(['ENOSPC', 'EDQUOT'])

/** The machine could not do it now: never "not there" (promise I3). */
const UNAVAILABLE_CODES = new Set(
  'EMFILE ENFILE EIO EROFS EACCES EPERM EBUSY ENOMEM ETIMEDOUT ABORT_ERR'.split(' '),
)

/** Errors of rooms we may not import, by their names; timeouts and shutdown come as DOMExceptions. */
const UNAVAILABLE_NAMES = new Set([
  'DamagedBlockError',
  'MissingBlockError',
  'TimeoutError',
  'AbortError',
])

const RETRY_AFTER_SECONDS = '5'
/** Rooms wrap errors as they rise; deeper chains than this are no help. */
const MAX_CAUSES = 8

/** Turns whatever a handler throws into an error answer. */
export function answerErrors(): ApiMiddleware {
  return async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      answerError(ctx, error)
    }
  }
}

function answerError(ctx: ApiContext, error: unknown): void {
  const known = toRegistryError(error, ctx.state.requestId)
  if (ctx.res.headersSent || ctx.state.signal.aborted) {
    // Nobody listens any more, or the pump has already cut the connection: only the log can be told. That the client
    // went away is no error: some ask for more than they want, and leave when they have it.
    ctx.respond = false
    if (!isOf(ctx.state.signal.reason, error)) ctx.state.error = error
    return
  }
  // The pump takes the answering over before its source has given anything.
  ctx.respond = true
  if (known.status >= 500) ctx.state.error = error
  for (const header of ctx.res.getHeaderNames()) ctx.remove(header)
  setCommonHeaders(ctx)
  ctx.set(headersFor(ctx, known))
  sendWarnings(ctx, known.notices)
  sendJson(ctx, errorBody(known), { status: known.status })
}

/**
 * The error a client may see. A RegistryError is that already; of anything else only its kind shows, because
 * messages and stacks hold paths.
 */
export function toRegistryError(error: unknown, requestId: string): RegistryError {
  for (const link of causes(error)) {
    if (link instanceof RegistryError) return link
    const { code, name } = link as { code?: unknown; name?: unknown }
    if (FULL.has(String(code))) return new RegistryError('INSUFFICIENT_STORAGE', { cause: error })
    if (UNAVAILABLE_CODES.has(String(code)) || UNAVAILABLE_NAMES.has(String(name))) {
      return new RegistryError('UNAVAILABLE', { cause: error, detail: { requestId } })
    }
  }
  return new RegistryError('UNKNOWN', { cause: error, detail: { requestId } })
}

/** Whether an error is `reason`, or comes of it: Node's timers wrap what they were stopped with. */
function isOf(reason: unknown, error: unknown): boolean {
  return [...causes(error)].some((link) => link === reason)
}

function* causes(error: unknown): Generator<object> {
  let link = error
  for (let depth = 0; depth < MAX_CAUSES && typeof link === 'object' && link !== null; depth++) {
    yield link
    link = (link as { cause?: unknown }).cause
  }
}

/** The body of an error answer (distribution-spec, "Error Codes"). */
export function errorBody({ code, message, detail }: RegistryError): object {
  return { errors: [{ code, message, ...(detail === undefined ? {} : { detail }) }] }
}

function headersFor(ctx: ApiContext, error: RegistryError): Record<string, string> {
  const headers: Record<string, string> = {}
  if (error.status === 503 || error.status === 429) headers['Retry-After'] = RETRY_AFTER_SECONDS
  // RFC 9110 15.5.6: a 405 names what is allowed. The service that refuses (read-only, deletes off) cannot know it.
  if (error.status === 405) headers['Allow'] = allowedMethods(ctx).join(', ')
  const { namespace } = ctx.state
  if (namespace !== undefined) headers['OCI-Namespace'] = namespace
  return { ...headers, ...error.headers }
}

/** Methods that routes with this path have, other than the one that was just refused. */
export function allowedMethods(ctx: ApiContext): string[] {
  const layers = (ctx as { matched?: { methods: string[] }[] }).matched ?? []
  const methods = new Set(layers.flatMap((layer) => layer.methods))
  methods.delete(ctx.method)
  return [...methods].toSorted()
}
