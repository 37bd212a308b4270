import { sendJson } from './answer.ts'
import { digestOf, nameOf, queryOf, repositoryOf } from './params.ts'
import { linkNext, pageOf } from './paging.ts'
import { rightsOf } from './rights.ts'
import { sendWarnings } from './warnings.ts'
import type { NamePage, Page, RegistryService } from '../registry/ports.ts'
import type { ApiContext, RouteContext } from './context.ts'

const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json'

/** Descriptors in one referrers answer, in bytes: clients take no larger manifest, and annotations may be long. */
const REFERRERS_BYTES = 4 * 1024 * 1024

/** Tags, repositories and referrers: distribution-spec end-8 and end-12, and Distribution's `_catalog`. */
export function listingRoutes(service: RegistryService) {
  return {
    tags: async (ctx: RouteContext): Promise<void> => {
      const { name, asked } = repositoryOf(ctx)
      const tags = await page(ctx, (which) =>
        service.listTags(name, { ...which, signal: ctx.state.signal }),
      )
      sendJson(ctx, { name: asked, tags })
    },

    catalog: async (ctx: RouteContext): Promise<void> => {
      const repositories = await page(ctx, (which) =>
        service.listRepositories({ ...which, signal: ctx.state.signal, by: rightsOf(ctx) }),
      )
      sendJson(ctx, { repositories })
    },

    referrers: async (ctx: RouteContext): Promise<void> => {
      const query = queryOf(ctx)
      const artifactType = query.get('artifactType') || undefined
      const after = query.get('last') || undefined
      const { signal } = ctx.state
      const options = { artifactType, after, bytes: REFERRERS_BYTES, signal }
      const list = await service.listReferrers(nameOf(ctx), digestOf(ctx), options)
      const { manifests, more, notices } = list
      sendWarnings(ctx, notices)
      const lastSent = manifests.at(-1)
      if (more && lastSent !== undefined) {
        linkNext(ctx, { ...(artifactType && { artifactType }), last: lastSent.digest })
      }
      if (artifactType !== undefined) ctx.set('OCI-Filters-Applied', 'artifactType')
      sendJson(ctx, { schemaVersion: 2, mediaType: INDEX_TYPE, manifests }, { type: INDEX_TYPE })
    },
  }
}

/** Gets one page, and links to the next. */
async function page(ctx: ApiContext, list: (which: Page) => Promise<NamePage>): Promise<string[]> {
  const { limit, after } = pageOf(ctx)
  // A page of none still says whether there is anything to list; asking for one keeps `limit` a plain number below.
  const { names, more, notices } = await list({ limit: Math.max(1, limit), after })
  sendWarnings(ctx, notices)
  const lastName = names.at(-1)
  if (limit === 0 || lastName === undefined) return []
  if (more) linkNext(ctx, { n: String(limit), last: lastName })
  return names
}
