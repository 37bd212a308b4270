import { parseDigest } from '../oci/digest.ts'
import { RegistryError } from '../oci/errors.ts'
import { parseName, parseReference } from '../oci/name.ts'
import type { Digest } from '../oci/digest.ts'
import type { Reference, RepositoryName } from '../oci/name.ts'
import type { ApiContext, RouteContext } from './context.ts'

/*
 * The one place where text of a request becomes something the registry works with. The router gives parameters
 * percent-decoded once (or as they were, when they could not be: then the `%` is refused here).
 */

/** @throws RegistryError NAME_INVALID */
export function nameOf(ctx: RouteContext): RepositoryName {
  return parseName(ctx.params['name'])
}

/** @throws RegistryError DIGEST_INVALID */
export function digestOf(ctx: RouteContext): Digest {
  return parseDigest(ctx.params['digest'])
}

/** @throws RegistryError DIGEST_INVALID, TAG_INVALID */
export function referenceOf(ctx: RouteContext): Reference {
  return parseReference(ctx.params['reference'])
}

/** What an id we made can look like; anything else is unknown without asking. */
const UPLOAD_ID = /^[A-Za-z0-9_-]{1,128}$/

/** @throws RegistryError BLOB_UPLOAD_UNKNOWN */
export function uploadIdOf(ctx: RouteContext): string {
  const id = ctx.params['id'] ?? ''
  if (!UPLOAD_ID.test(id)) throw new RegistryError('BLOB_UPLOAD_UNKNOWN')
  return id
}

/** The query; unlike Koa's it keeps parameters that come twice apart from those that hold a comma. */
export function queryOf(ctx: ApiContext): URLSearchParams {
  return new URLSearchParams(ctx.querystring)
}

/**
 * The `digest` parameter.
 *
 * @throws RegistryError DIGEST_INVALID when it is missing, given twice, or none
 */
export function digestQuery(ctx: ApiContext): Digest {
  const given = queryOf(ctx).getAll('digest')
  if (given.length === 1) return parseDigest(given[0])
  throw new RegistryError('DIGEST_INVALID', { message: 'exactly one digest parameter is needed' })
}

/** The request's media type without parameters, else as it was sent; `undefined` when there is none. */
export function mediaTypeOf(ctx: ApiContext): string | undefined {
  const type = ctx.req.headers['content-type']?.split(';')[0]?.trim()
  return type === '' ? undefined : type
}
