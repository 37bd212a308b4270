import { sendEmpty, sendJson } from './answer.ts'
import { nameOf } from './params.ts'
import type { RegistryService } from '../registry/ports.ts'
import type { RouteContext } from './context.ts'

/** Where the extension is described, in what comes with Heliport. */
const DOCUMENTATION = 'docs/api.md'

/** What this registry has beyond the distribution-spec, named as its `extensions/` ask: `_<extension>/<component>`. */
export function extensionRoutes(service: RegistryService) {
  return {
    /** `_oci/ext/discover`, for the registry or for one repository. */
    discover: (ctx: RouteContext): void => {
      const name = ctx.params['name'] === undefined ? '{name}' : nameOf(ctx)
      const heliport = {
        name: '_heliport',
        url: DOCUMENTATION,
        description: 'Deletes whole repositories.',
        endpoints: [`/v2/${name}/_heliport/repository`],
      }
      sendJson(ctx, { extensions: [heliport] })
    },

    removeRepository: async (ctx: RouteContext): Promise<void> => {
      await service.deleteRepository(nameOf(ctx), { signal: ctx.state.signal })
      sendEmpty(ctx, 202)
    },
  }
}
