import { sendEmpty, sendJson } from './answer.ts'
import { nameOf } from './params.ts'
import type { RegistryService } from '../registry/ports.ts'
import type { RouteContext } from './context.ts'

/** The definition of the extension, which is also in docs/api.md. */
const DEFINITION = `_heliport: deletes whole repositories

DELETE /v2/<name>/_heliport/repository

202: all tags, manifests and links to blobs of <name> are gone, in one commit, and its open uploads have ended. What
mirrors have under that name is hidden for good. Repositories whose names go on from <name> stay.
403 DENIED: one of its tags is immutable, or the caller may not delete there.
404 NAME_UNKNOWN: nobody has such a repository.
405 UNSUPPORTED: deletes are off, or the registry is read-only.
`

/** A link that leads somewhere from everywhere, also where there is nothing but this registry. */
const DOCUMENTATION = `data:text/plain;charset=utf-8,${encodeURIComponent(DEFINITION)}`

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
