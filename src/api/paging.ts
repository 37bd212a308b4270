import { RegistryError } from '../oci/errors.ts'
import { queryOf } from './params.ts'
import type { ApiContext } from './context.ts'

/** Entries of one page, also when the client asks for more or for all. */
const MAX_PAGE = 1000

/** Numbers above are no `n` in any implementation (int64). */
const MAX_N = 2n ** 63n - 1n

/** Which part of a listing a request wants. */
export interface PageRequest {
  /** Entries, 0 to 1000. */
  limit: number
  /** The entry after which the page begins; it need not exist. */
  after: string | undefined
}

/**
 * Reads `n` and `last` (distribution-spec, "Listing Tags").
 *
 * @throws RegistryError PAGINATION_NUMBER_INVALID
 */
export function pageOf(ctx: ApiContext): PageRequest {
  const query = queryOf(ctx)
  const given = query.getAll('n')
  const n = given[0] ?? String(MAX_PAGE)
  if (given.length > 1 || !/^\d{1,20}$/.test(n) || BigInt(n) > MAX_N) {
    throw new RegistryError('PAGINATION_NUMBER_INVALID', {
      detail: { n: given.join(',').slice(0, 40) },
    })
  }
  return { limit: Math.min(Number(n), MAX_PAGE), after: query.get('last') || undefined }
}

/** Points to the next page (RFC 8288), on whatever host and scheme the client came by, in the same namespace. */
export function linkNext(ctx: ApiContext, parameters: Record<string, string>): void {
  const query = new URLSearchParams(parameters)
  const namespace = ctx.state.repository?.namespace
  if (namespace !== undefined) query.set('ns', namespace)
  ctx.set('Link', `<${ctx.path}?${query}>; rel="next"`)
}
