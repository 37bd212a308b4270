import type { ClientLimits } from './client-limits.ts'
import type { ApiMiddleware } from './context.ts'

/** Whoever watches over the process must not take it for dead because others ask too much. */
const UNLIMITED = new Set(['/healthz', '/readyz'])

/** Lets a request through when its address may send one more, before anything dear is done for it. */
export function limitRequests(limits: ClientLimits): ApiMiddleware {
  return (ctx, next) => {
    if (UNLIMITED.has(ctx.path)) return next()
    ctx.state.allowance = limits.allowance(ctx.state.client)
    ctx.state.allowance.admit()
    return next()
  }
}
