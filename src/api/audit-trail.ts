import { tryParseDigest } from '../oci/digest.ts'
import { tryParseName, tryParseTag } from '../oci/name.ts'
import { AUDITED } from './audit-actions.ts'
import { clientAddress } from './client-address.ts'
import { queryOf } from './params.ts'
import type Router from '@koa/router'
import type { AuditedAction, AuditEntry, AuditNotes, AuditSink, Refusal } from './audit.ts'
import type { ApiContext, ApiMiddleware, ApiState } from './context.ts'

/** The client left before there was an answer, as web servers have it in their logs. */
const LEFT = 499

/**
 * Gives the audit log its lines. It stands where the answer is decided and not yet sent, and waits for the line: who gets
 * a 201 is in the log.
 *
 * @param router whose routes are made to say that it is theirs
 */
export function auditTrail(sink: AuditSink, router: Router<ApiState>): ApiMiddleware {
  for (const { path, stack } of router.stack) {
    const name: ApiMiddleware = (ctx, next) => {
      if (ctx.state.audit !== undefined) ctx.state.audit.route = `${methodOf(ctx)} ${String(path)}`
      return next()
    }
    stack.unshift(name)
  }
  return async (ctx, next) => {
    const notes: AuditNotes = {}
    let isTold = false
    const tell = async (): Promise<void> => {
      if (isTold) return
      isTold = true
      for (const entry of entriesOf(ctx, notes, sink.pulls)) await sink.write(entry)
    }
    ctx.state.audit = { notes, tell }
    await next()
    await tell()
  }
}

function* entriesOf(ctx: ApiContext, notes: AuditNotes, pulls: boolean): Generator<AuditEntry> {
  const { route = '' } = ctx.state.audit ?? {}
  const { action: wanted, told } = AUDITED[route] ?? { action: undefined, told: 'refusals' }
  const status = statusOf(ctx)
  const refused = refusalOf(ctx, status)
  if (refused !== undefined) {
    // Whether it was to mend, its body says, which nobody reads of who may not.
    const what = wanted === 'fsck-repair' && notes.changes !== true ? 'fsck' : wanted
    yield { ...entryOf(ctx, notes, status), action: refused, wanted: what, bytes: undefined }
    return
  }
  // A command that had begun may have changed something, whatever ended it.
  const isBroken = notes.changes === true && status >= LEFT
  if (!(isSuccess(status) || isBroken) || wanted === undefined || told === 'refusals') return
  if (told === 'pulls') {
    if (pulls && ctx.method === 'GET')
      yield { ...entryOf(ctx, notes, status), action: wanted, bytes: sentBytes(ctx) }
    return
  }
  if (notes.changes === false) return
  const action = actionOf(ctx, wanted, notes, status)
  if (action === undefined) return
  const entry = { ...entryOf(ctx, notes, status), action }
  yield entry
  for (const reference of notes.tags ?? []) yield { ...entry, action: 'tag', reference }
}

/** What a success was, where the route alone does not tell; `undefined`: nothing has changed yet. */
function actionOf(
  ctx: ApiContext,
  wanted: AuditedAction,
  { mounted = false }: AuditNotes,
  status: number,
): AuditedAction | undefined {
  if (wanted === 'upload') return status !== 201 ? undefined : mounted ? 'mount' : 'push-blob'
  if (wanted !== 'delete-manifest') return wanted
  return tryParseTag(paramOf(ctx, 'reference')) === undefined ? wanted : 'delete-tag'
}

/** That of the answer; of a command whose client left before there was one, {@link LEFT}. */
function statusOf({ res, state, status }: ApiContext): number {
  if (res.headersSent) return res.statusCode
  return state.signal.aborted && !isSuccess(status) ? LEFT : status
}

function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299
}

/** The version check (`GET /v2/`) without credentials is how clients learn to log in: that it says 401 is no refusal. */
function refusalOf(ctx: ApiContext, status: number): Refusal | undefined {
  switch (status) {
    case 401:
      if (ctx.state.audit?.notes.loginFailed !== undefined) return 'login-failed'
      return ctx.state.audit?.route === 'GET /v2{/}' ? undefined : 'denied'
    case 403:
      return 'denied'
    case 405:
      return ctx.state.audit?.route === undefined ? undefined : 'denied'
    case 429:
      return 'rate-limited'
    default:
      return undefined
  }
}

function entryOf(
  ctx: ApiContext,
  { bytes, key, root, loginFailed }: AuditNotes,
  status: number,
): Omit<AuditEntry, 'action'> {
  const { requestId, principal, repository } = ctx.state
  const reference = paramOf(ctx, 'reference')
  return {
    request: requestId,
    user: principal?.user,
    address: clientAddress(ctx),
    // What is not here has the name that the client gave it.
    repository: repository?.wrong === undefined ? repository?.name : repository.asked,
    reference: tryParseTag(reference) ?? tryParseDigest(reference),
    digest: digestOf(ctx),
    ...mountSource(ctx),
    ...(key === undefined ? {} : { key }),
    ...(root === undefined ? {} : { root }),
    status,
    ...(loginFailed === 'guess' ? { isGuess: true } : {}),
    bytes,
  }
}

/** That of the answer; else of the path. */
function digestOf(ctx: ApiContext): string | undefined {
  const answered = ctx.res.getHeader('Docker-Content-Digest')
  if (typeof answered === 'string') return answered
  return tryParseDigest(paramOf(ctx, 'digest')) ?? tryParseDigest(paramOf(ctx, 'reference'))
}

function mountSource(ctx: ApiContext): { from?: string } {
  if (ctx.state.audit?.notes.mounted !== true) return {}
  const from = tryParseName(queryOf(ctx).get('from') ?? undefined)
  return from === undefined ? {} : { from }
}

/** A parameter of the route that took the request. */
function paramOf(ctx: ApiContext, name: string): string | undefined {
  return (ctx as { params?: Record<string, string | undefined> }).params?.[name]
}

function sentBytes({ res, state }: ApiContext): number {
  return state.sent ?? Number(res.getHeader('Content-Length') ?? 0)
}

function methodOf({ method }: ApiContext): string {
  return method === 'HEAD' ? 'GET' : method
}
