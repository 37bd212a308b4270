import { pino } from 'pino'
import { OPEN_ACCESS } from '../../src/access/open.ts'
import { registryRouter } from '../../src/api/app.ts'
import { DEFAULT_LIMITS } from '../../src/api/context.ts'
import { controlRouter } from '../../src/api/control-app.ts'
import { MemoryService } from './memory-service.ts'
import type Router from '@koa/router'
import type { Access } from '../../src/access/ports.ts'
import type { ApiState } from '../../src/api/context.ts'
import type { Control } from '../../src/api/control-face.ts'

/** A router, of which nothing is asked but its table. */
type Table = Router<ApiState>

const LIMITS = { ...DEFAULT_LIMITS, blob: 1 }

const PARTS = {
  control: {} as Control,
  status: () => ({}),
  readiness: () => ({ ready: true as const }),
  version: 'test',
  log: pino({ level: 'silent' }),
}

/** That of the HTTP port. @param access with `tokens` it has their routes as well */
export function httpRouter(access: Access = OPEN_ACCESS): Table {
  const limits = { blob: 1 }
  return registryRouter(
    { ...PARTS, service: new MemoryService(), access, hosts: [], limits },
    LIMITS,
  )
}

/** That of the daemon's Unix socket. */
export function socketRouter(): Table {
  return controlRouter(PARTS, LIMITS)
}

/** `METHOD path` of every route of a router. What answers GET also answers HEAD, which is not named. */
export function routesOf(router: Table): string[] {
  return router.stack.flatMap(({ path, methods }) =>
    methods.filter((method) => method !== 'HEAD').map((method) => `${method} ${String(path)}`),
  )
}

/** Which of them answers a request; `undefined` when none does. */
export function routeOf(router: Table, method: string, target: string): string | undefined {
  const [path = ''] = target.split('?')
  const asked = method === 'HEAD' ? 'GET' : method
  const [layer] = router.match(path, asked).pathAndMethod
  return layer === undefined ? undefined : `${asked} ${String(layer.path)}`
}
