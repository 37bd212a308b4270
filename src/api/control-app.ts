import { assemble, newRouter } from './app.ts'
import { DEFAULT_LIMITS } from './context.ts'
import { controlRoutes } from './control.ts'
import { operationRoutes } from './operations.ts'
import type Router from '@koa/router'
import type Koa from 'koa'
import type { AuditSink } from './audit.ts'
import type { ApiLimits, ApiLog, ApiState } from './context.ts'
import type { Control } from './control-face.ts'
import type { Operations } from './operations.ts'

/** What the control application is made of. */
export interface ControlAppOptions extends Operations {
  control: Control
  log: ApiLog
  audit?: AuditSink | undefined
  limits?: Partial<ApiLimits>
}

/**
 * The application behind the daemon's Unix socket: who may open the file may do all of it. On a TCP port it would
 * still refuse foreign hosts and pages, but must never be put there.
 */
export function createControlApp(options: ControlAppOptions): Koa<ApiState> {
  const limits = { ...DEFAULT_LIMITS, blob: 0, ...options.limits }
  const { log, audit } = options
  return assemble(controlRouter(options, limits), { hosts: [], isOpen: true, log, audit, limits })
}

/** The table of routes behind the socket. */
export function controlRouter(options: ControlAppOptions, limits: ApiLimits): Router<ApiState> {
  const control = controlRoutes(options.control, limits, { asClient: false })
  const operations = operationRoutes(options)
  return newRouter()
    .get('/healthz', operations.health)
    .get('/readyz', operations.ready)
    .get('/api/v1/status', operations.status)
    .get('/api/v1/keys', control.listKeys)
    .post('/api/v1/keys/export', control.exportKey)
    .post('/api/v1/keys/import', control.importKey)
    .post('/api/v1/keys/takeover', control.takeOver)
    .get('/api/v1/log', control.log)
    .post('/api/v1/diff', control.diff)
    .post('/api/v1/gc', control.collect)
    .post('/api/v1/fsck', control.check)
    .post('/api/v1/rollback', control.rollback)
    .post('/api/v1/export', control.exportTree)
}
