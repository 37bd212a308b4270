import { RegistryError } from '../oci/errors.ts'
import { REFERRERS_PAGE_BYTES } from '../oci/manifest.ts'
import { sendJson } from './answer.ts'
import { digestOf, nameOf, queryOf, repositoryOf } from './params.ts'
import { linkNext, pageOf } from './paging.ts'
import { rightsOf } from './rights.ts'
import { SealedPositions, UnknownSeal } from './sealed-position.ts'
import { sendWarnings } from './warnings.ts'
import type { NamePage, Page, RegistryService } from '../registry/ports.ts'
import type { ApiContext, RouteContext } from './context.ts'

const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json'

/** Tags, repositories and referrers: distribution-spec end-8 and end-12, and Distribution's `_catalog`. */
export function listingRoutes(service: RegistryService) {
  const positions = new SealedPositions()
  return {
    tags: async (ctx: RouteContext): Promise<void> => {
      const { name, asked } = repositoryOf(ctx)
      const tags = await page(ctx, positions, (which) =>
        service.listTags(name, { ...which, signal: ctx.state.signal }),
      )
      sendJson(ctx, { name: asked, tags })
    },

    catalog: async (ctx: RouteContext): Promise<void> => {
      const repositories = await page(ctx, positions, (which) =>
        service.listRepositories({ ...which, signal: ctx.state.signal, by: rightsOf(ctx) }),
      )
      sendJson(ctx, { repositories })
    },

    referrers: async (ctx: RouteContext): Promise<void> => {
      const query = queryOf(ctx)
      const artifactType = query.get('artifactType') || undefined
      const after = query.get('last') || undefined
      const { signal } = ctx.state
      const options = { artifactType, after, bytes: REFERRERS_PAGE_BYTES, signal }
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
async function page(
  ctx: ApiContext,
  positions: SealedPositions,
  list: (which: Page) => Promise<NamePage>,
): Promise<string[]> {
  const { limit, after: written } = pageOf(ctx)
  const after = written && opened(positions, written)
  // A page of none still says whether there is anything to list; asking for one keeps `limit` a plain number below.
  const { names, more, stoppedAt, notices } = await list({ limit: Math.max(1, limit), after })
  sendWarnings(ctx, notices)
  if (limit === 0) return []
  const last =
    stoppedAt === undefined ? (more ? names.at(-1) : undefined) : positions.seal(stoppedAt)
  if (last !== undefined) linkNext(ctx, { n: String(limit), last })
  return names
}

function opened(positions: SealedPositions, text: string): string {
  try {
    return positions.open(text)
  } catch (error) {
    if (!(error instanceof UnknownSeal)) throw error
    throw new RegistryError('UNSUPPORTED', {
      status: 400,
      message: 'this page of the list is not known any more: begin at the first',
      cause: error,
    })
  }
}
