import { parseConditions } from '../oci/conditions.ts'
import { parseDigest } from '../oci/digest.ts'
import { RegistryError } from '../oci/errors.ts'
import { parseReference, tryParseTag } from '../oci/name.ts'
import type { Conditions } from '../oci/conditions.ts'
import type { Digest } from '../oci/digest.ts'
import type { Reference, RepositoryName } from '../oci/name.ts'
import type { ApiContext, Repository, RouteContext } from './context.ts'

/*
 * The one place where text of a request becomes something the registry works with. The router gives parameters
 * percent-decoded once (or as they were, when they could not be: then the `%` is refused here).
 */

/** The repository in the path of a route that has one; `requestedRepository` has read it. */
export function repositoryOf({ state }: ApiContext): Repository {
  if (state.repository === undefined) throw new Error('this route has no repository')
  return state.repository
}

/** The name under which that repository is kept here. */
export function nameOf(ctx: ApiContext): RepositoryName {
  return repositoryOf(ctx).name
}

/** @throws RegistryError DIGEST_INVALID */
export function digestOf(ctx: RouteContext): Digest {
  return parseDigest(ctx.params['digest'])
}

/** @throws RegistryError DIGEST_INVALID, TAG_INVALID */
export function referenceOf(ctx: RouteContext): Reference {
  return parseReference(ctx.params['reference'])
}

/**
 * The same where something is looked up: what cannot be a tag is the tag of nothing, so that is a 404 (end-3, end-9).
 *
 * @throws RegistryError DIGEST_INVALID, MANIFEST_UNKNOWN
 */
export function knownReferenceOf(ctx: RouteContext): Reference {
  const text = ctx.params['reference']
  if (text?.includes(':') || tryParseTag(text) !== undefined) return referenceOf(ctx)
  throw new RegistryError('MANIFEST_UNKNOWN')
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

/**
 * For which state of what the address names a change is meant.
 *
 * @throws RegistryError UNSUPPORTED with 400
 */
export function conditionsOf({ req }: ApiContext): Conditions | undefined {
  return parseConditions(req.headers['if-match'], req.headers['if-none-match'])
}

/** The request's media type without parameters, else as it was sent; `undefined` when there is none. */
export function mediaTypeOf(ctx: ApiContext): string | undefined {
  const type = ctx.req.headers['content-type']?.split(';')[0]?.trim()
  return type === '' ? undefined : type
}
