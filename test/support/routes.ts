import { OPEN_ACCESS } from '../../src/access/open.ts'
import { registryRouter } from '../../src/api/app.ts'
import { DEFAULT_LIMITS } from '../../src/api/context.ts'
import { CONTROL, TOKENS } from './access-world.ts'
import { MemoryService } from './memory-service.ts'
import { routesOf } from './route-table.ts'
import type { Access } from '../../src/access/ports.ts'
import type { AppOptions } from '../../src/api/app.ts'

const SHARE = {
  requests: 1,
  burst: 1,
  openUploads: 1,
  downloadRate: 1,
  uploadRate: 1,
}

const ACCESS: Required<Access> = {
  ...OPEN_ACCESS,
  administrators: OPEN_ACCESS.authenticator,
  tokens: TOKENS,
}

/** All there is, so that every route is there. The type has a new option named here. */
const EVERYTHING: Required<AppOptions> = {
  service: new MemoryService(),
  access: ACCESS,
  control: CONTROL,
  isStatusOpen: true,
  namespaces: { 'docker.io': 'hub' },
  hosts: [],
  trustProxy: [],
  clientLimits: { exempt: [], address: SHARE, user: SHARE },
  audit: { pulls: true, write: async () => undefined },
  status: () => ({}),
  readiness: () => ({ ready: true }),
  version: 'test',
  log: console,
  limits: { blob: 1 },
}

/** The router of the HTTP port with everything switched on. */
export function wholeRouter() {
  return registryRouter(EVERYTHING, { ...DEFAULT_LIMITS, blob: 1 })
}

/** `METHOD path` of every route there is on it. */
export function allRoutes(): string[] {
  return routesOf(wholeRouter())
}
