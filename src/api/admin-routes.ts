import { isHere } from './client.ts'
import { controlRoutes } from './control.ts'
import { operationRoutes } from './operations.ts'
import type Router from '@koa/router'
import type { Policy } from '../access/ports.ts'
import type { ApiLimits, ApiMiddleware, ApiState, RouteContext } from './context.ts'
import type { Control } from './control-face.ts'
import type { Decision } from './guard.ts'
import type { Operations } from './operations.ts'

/** What the routes for administrators are made of. */
export interface AdminOptions extends Operations {
  policy: Policy
  /** Whether everybody on this machine gets the status in full: nobody is asked who he is, and the port is on loopback. */
  isStatusOpen?: boolean | undefined
  /** Absent: there is nothing to control. */
  control?: Control | undefined
  limits: ApiLimits
}

/**
 * The routes of the Unix socket that are on the HTTP port as well, for administrators. Not among them: what hands out or
 * takes the keys this registry is published with (`keys/export`, `import`, `takeover`), for which a password that was
 * found out must not be enough; and `export`, which writes files wherever the request says.
 */
export function adminRoutes(
  router: Router<ApiState>,
  may: (decision: Decision) => ApiMiddleware,
  options: AdminOptions,
): Router<ApiState> {
  const { policy, isStatusOpen = false, control, limits } = options
  const operations = operationRoutes(options)
  router.get('/api/v1/status', may('look'), (ctx: RouteContext) => {
    const { principal, client } = ctx.state
    const isFull =
      (isStatusOpen && isHere(client)) ||
      (principal !== undefined && policy.mayAdminister(principal))
    return isFull ? operations.status(ctx) : operations.briefStatus(ctx)
  })
  if (control === undefined) return router
  const routes = controlRoutes(control, limits, { asClient: true })
  return router
    .get('/api/v1/keys', may('administer'), routes.listKeys)
    .get('/api/v1/log', may('administer'), routes.log)
    .post('/api/v1/diff', may('administer'), routes.diff)
    .post('/api/v1/gc', may('administer'), routes.collect)
    .post('/api/v1/fsck', may('administer'), routes.check)
    .post('/api/v1/rollback', may('administer'), routes.rollback)
}
