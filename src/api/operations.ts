import { RegistryError } from '../oci/errors.ts'
import { sendJson } from './answer.ts'
import type { ApiContext } from './context.ts'

/**
 * Whether the daemon can serve; if not, why. One that serves, takes pushes, and yet needs somebody's attention is ready
 * and `degraded`: to take it out of service would only add harm.
 */
export type Readiness = { ready: true; degraded?: string } | { ready: false; reason: string }

/** What the daemon tells about itself. */
export interface Operations {
  /** The answer of `GET /api/v1/status`. */
  status: () => object | Promise<object>
  readiness: () => Readiness | Promise<Readiness>
  version: string
}

/** Routes for whoever runs the daemon. */
export function operationRoutes({ status, readiness, version }: Operations) {
  return {
    /** The process lives and its event loop turns: asks nothing else. */
    health: (ctx: ApiContext): void => {
      sendJson(ctx, { status: 'ok', version })
    },

    ready: async (ctx: ApiContext): Promise<void> => {
      const state = await readiness()
      if (!state.ready) throw new RegistryError('UNAVAILABLE', { message: state.reason })
      const { degraded } = state
      sendJson(
        ctx,
        degraded === undefined ? { status: 'ready' } : { status: 'degraded', reason: degraded },
      )
    },

    status: async (ctx: ApiContext): Promise<void> => {
      sendJson(ctx, await status())
    },

    /** What everybody may know, and healthz says as well. */
    briefStatus: (ctx: ApiContext): void => {
      sendJson(ctx, { version })
    },
  }
}
