import assert from 'node:assert/strict'
import fc from 'fast-check'
import { httpRouter, routeOf, routesOf, socketRouter } from '../support/route-table.ts'
import { OPEN_ACCESS } from '../../src/access/open.ts'
import { SOCKET_ROUTES } from './control-routes.ts'
import { dressed } from './requests.ts'
import { render } from './render.ts'
import { HTTP_ROUTES } from './routes.ts'
import { World } from './world.ts'
import type { TokenService } from '../../src/access/ports.ts'
import type { Endpoint } from './endpoint.ts'

/** Of each kind so many are looked at: none of them is so hostile that not one in ten gets there. */
const SAMPLES = 300

const world = new World({
  kept: { repository: 'kept/images', manifests: [], blobs: [], secrets: new Set() },
  root: `bafybei${'a'.repeat(52)}`,
  scratch: '/dev/null',
})

/** All that the HTTP port ever has: with users, also where they get tokens. */
const withTokens = httpRouter({ ...OPEN_ACCESS, tokens: {} as TokenService })

for (const [door, endpoints, router] of [
  ['the HTTP port', HTTP_ROUTES, withTokens],
  ['the Unix socket', SOCKET_ROUTES, socketRouter()],
] as const)
  describe(`the fuzzing of ${door}`, () => {
    it('knows every route of the router, and no other', () => {
      const named = endpoints.flatMap(({ route }) => route ?? [])
      assert.deepEqual([...new Set(named)].toSorted(), routesOf(router).toSorted())
    })

    for (const endpoint of endpoints)
      if (endpoint.route !== undefined)
        it(`gets to ${endpoint.route}`, () => {
          const reached = reachedBy(endpoint, (method, target) => routeOf(router, method, target))
          const hits = reached.filter((route) => route === endpoint.route).length
          assert.ok(hits > SAMPLES / 10, `${hits} of ${SAMPLES}`)
        })
  })

/** Where requests of a kind come, as they are sent. */
function reachedBy(
  { requests }: Endpoint,
  match: (method: string, target: string) => string | undefined,
): (string | undefined)[] {
  const plans = fc.sample(dressed(requests), { numRuns: SAMPLES, seed: 1 })
  return plans.map((plan) => {
    const { method, target } = render(plan, world)
    return match(method, target)
  })
}
