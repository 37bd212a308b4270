import Router from '@koa/router'
import Koa from 'koa'
import { adminRoutes } from './admin-routes.ts'
import { sendJson } from './answer.ts'
import { auditTrail } from './audit-trail.ts'
import { AddressRanges } from './address-ranges.ts'
import { blobRoutes } from './blobs.ts'
import { ClientLimits } from './client-limits.ts'
import { DEFAULT_LIMITS } from './context.ts'
import { UploadCounts } from './count-uploads.ts'
import { refuseEncodings } from './encodings.ts'
import { answerErrors } from './errors.ts'
import { extensionRoutes } from './extensions.ts'
import { finishAnswer } from './finish.ts'
import { guards } from './guard.ts'
import { hostCheck } from './host-check.ts'
import { limitRequests } from './limit-requests.ts'
import { listingRoutes } from './listings.ts'
import { manifestRoutes } from './manifests.ts'
import { requestedRepository } from './namespaces.ts'
import { operationRoutes } from './operations.ts'
import { paceAnswers } from './pace-answers.ts'
import { requestScope } from './request-scope.ts'
import { unknownRoute } from './unknown-route.ts'
import { tokenRoutes } from './token.ts'
import { uploadRoutes } from './uploads.ts'
import type { Access } from '../access/ports.ts'
import type { RegistryService } from '../registry/ports.ts'
import type { AuditSink } from './audit.ts'
import type { AddressRange } from './address-ranges.ts'
import type { ClientLimitsInit } from './client-limits.ts'
import type { ApiLimits, ApiLog, ApiState } from './context.ts'
import type { Control } from './control-face.ts'
import type { Namespaces } from './namespaces.ts'
import type { Operations } from './operations.ts'

/** What the HTTP room is made of. */
export interface AppOptions extends Operations {
  service: RegistryService
  /** Who may do what. */
  access: Access
  /** Whether everybody on this machine gets the status in full; without it, only administrators. */
  isStatusOpen?: boolean
  /** What administrators may do beyond the registry's API. */
  control?: Control
  /** `http.hosts`: further Host names that may be used without authentication. */
  hosts: readonly string[]
  /** `http.namespaces`; absent: `ns` parameters are ignored. */
  namespaces?: Namespaces
  /** `http.trustProxy`: whose word on a client counts. */
  trustProxy?: readonly AddressRange[]
  log: ApiLog
  /** `audit.file`; absent: there is none. */
  audit?: AuditSink | undefined
  limits: Pick<ApiLimits, 'blob'> & Partial<ApiLimits>
  /** What each client may use up; absent: nobody is limited. */
  clientLimits?: ClientLimitsInit
}

/** The application behind the HTTP port. */
export function createApp(options: AppOptions): Koa<ApiState> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const isOpen = options.access.authenticator.admitsAnonymous
  return assemble(registryRouter(options, limits), { ...options, isOpen, limits })
}

/** The order in which a request goes through, the same for every application of this room. */
export function assemble(
  router: Router<ApiState>,
  options: Pick<AppOptions, 'hosts' | 'log' | 'audit' | 'trustProxy' | 'clientLimits'> & {
    isOpen: boolean
    limits: ApiLimits
  },
): Koa<ApiState> {
  const { hosts, isOpen, log, audit, limits, trustProxy = [], clientLimits } = options
  const perClient = clientLimits && new ClientLimits(clientLimits)
  const app = new Koa<ApiState>({ env: 'production', proxy: false })
  // Koa would print these: they are what happens to a socket after our own middleware is through.
  app.on('error', (error: unknown) => log.debug({ err: error }, 'connection'))
  app.use(requestScope(log, new AddressRanges(trustProxy))) // id, sender, signal, log line
  app.use(finishAnswer(limits)) // unread bodies, stuck readers
  if (audit !== undefined) app.use(auditTrail(audit, router)) // a line for each change and refusal
  app.use(answerErrors()) // whatever is thrown below -> OCI error body
  if (perClient !== undefined) app.use(paceAnswers(limits)).use(limitRequests(perClient))
  app.use(hostCheck(hosts, { isOpen }))
  app.use(refuseEncodings())
  app.use(router.routes())
  app.use(unknownRoute())
  return app
}

/**
 * The table of routes. `*name` takes several segments, so names that hold `blobs` or `manifests` are told apart by
 * what stands at the end; GET also answers HEAD.
 */
export function registryRouter(options: AppOptions, limits: ApiLimits): Router<ApiState> {
  const blobs = blobRoutes(options.service, limits)
  const uploads = uploadRoutes(options.service, limits)
  const counts = new UploadCounts(options.service.uploads)
  const manifests = manifestRoutes(options.service, limits)
  const listings = listingRoutes(options.service)
  const extensions = extensionRoutes(options.service)
  const operations = operationRoutes(options)
  const { namespaces = {} } = options
  const may = guards(options.access)

  const tokens = tokenRoutes(options.access, limits)

  const router = newRouter()
    .param('name', (name, ctx, next) => {
      // Before anybody is asked who he is, so it is only read here. The guard says what is wrong with it.
      ctx.state.repository = requestedRepository(ctx, name, namespaces)
      return next()
    })

    .get('/v2{/}', may('enter'), (ctx) => sendJson(ctx, {}))
    .get('/v2/_catalog', may('list'), listings.catalog)
    .get('/v2/_oci/ext/discover', may('enter'), extensions.discover)
    .get('/v2/*name/_oci/ext/discover', may('pull'), extensions.discover)
    .delete('/v2/*name/_heliport/repository', may('delete'), extensions.removeRepository)
    .get('/v2/*name/tags/list', may('pull'), listings.tags)
    .get('/v2/*name/referrers/:digest', may('pull'), listings.referrers)

    .post('/v2/*name/blobs/uploads{/}', may('push'), counts.begins, uploads.start)
    .get('/v2/*name/blobs/uploads/:id', may('push'), counts.goesOn, uploads.status)
    .patch('/v2/*name/blobs/uploads/:id', may('push'), counts.goesOn, uploads.append)
    .put('/v2/*name/blobs/uploads/:id', may('push'), counts.goesOn, uploads.finish)
    .delete('/v2/*name/blobs/uploads/:id', may('push'), counts.goesOn, uploads.cancel)

    .get('/v2/*name/blobs/:digest', may('pull'), blobs.get)
    .delete('/v2/*name/blobs/:digest', may('delete'), blobs.remove)

    .get('/v2/*name/manifests/:reference', may('pull'), manifests.get)
    .put('/v2/*name/manifests/:reference', may('push'), manifests.put)
    .delete('/v2/*name/manifests/:reference', may('delete'), manifests.remove)

    .get('/healthz', may('anyone'), operations.health)
    .get('/readyz', may('anyone'), operations.ready)
  // They look at names and passwords themselves.
  if (options.access.tokens !== undefined)
    router.get('/v2/token', may('anyone'), tokens.get).post('/v2/token', may('anyone'), tokens.post)
  return adminRoutes(router, may, { ...options, policy: options.access.policy, limits })
}

/** Paths as written: no other case, and no slash at the end but where the table has one. */
export function newRouter(): Router<ApiState> {
  return new Router<ApiState>({ sensitive: true, strict: true })
}
