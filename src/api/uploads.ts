import { algorithmOf, tryParseDigest } from '../oci/digest.ts'
import { isRegistryError, RegistryError } from '../oci/errors.ts'
import { tryParseName } from '../oci/name.ts'
import { sendEmpty } from './answer.ts'
import { digestQuery, nameOf, queryOf, uploadIdOf } from './params.ts'
import { chunkOf, hasChunk, uploadHeaders, withOffset } from './upload-chunk.ts'
import type { Digest, DigestAlgorithm } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { RegistryService } from '../registry/ports.ts'
import type { ApiContext, ApiLimits, RouteContext } from './context.ts'

/**
 * Routes below `/v2/<name>/blobs/uploads/`: distribution-spec end-4 to end-6, end-11, end-13 and end-14.
 *
 * What adds bytes is not given the request's signal. A client that goes away ends the body, whose error reaches the
 * service through the chunk's source, and what had arrived is to be kept; and once all bytes are there it is better
 * to finish than to begin again.
 */
export function uploadRoutes(service: RegistryService, limits: ApiLimits) {
  const { uploads } = service

  return {
    start: async (ctx: RouteContext): Promise<void> => {
      const name = nameOf(ctx)
      if (await mount(service, ctx, name)) return
      if (queryOf(ctx).has('digest')) await uploadAtOnce(service, ctx, name, limits)
      else await openSession(service, ctx, name)
    },

    status: async (ctx: RouteContext): Promise<void> => {
      const name = nameOf(ctx)
      const status = await uploads.status(name, uploadIdOf(ctx), { signal: ctx.state.signal })
      sendEmpty(ctx, 204, uploadHeaders(name, status))
    },

    append: async (ctx: RouteContext): Promise<void> => {
      const session = { name: nameOf(ctx), id: uploadIdOf(ctx) }
      const status = await withOffset(uploads, session, () =>
        uploads.append(session.name, session.id, chunkOf(ctx, limits)),
      )
      sendEmpty(ctx, 202, uploadHeaders(session.name, status))
    },

    finish: async (ctx: RouteContext): Promise<void> => {
      const session = { name: nameOf(ctx), id: uploadIdOf(ctx) }
      const digest = digestQuery(ctx)
      await withOffset(uploads, session, () =>
        uploads.finish(
          session.name,
          session.id,
          digest,
          hasChunk(ctx) ? chunkOf(ctx, limits) : undefined,
        ),
      )
      sendBlobCreated(ctx, session.name, digest)
    },

    cancel: async (ctx: RouteContext): Promise<void> => {
      await uploads.cancel(nameOf(ctx), uploadIdOf(ctx), { signal: ctx.state.signal })
      sendEmpty(ctx, 204)
    },
  }
}

/**
 * `?mount=<digest>&from=<name>`. Whatever is wrong with either, the spec has the client upload instead of fail
 * ("Mounting a blob from another repository"); but a `from` that is no name is not the same as none, which lets us
 * look everywhere.
 */
async function mount(
  service: RegistryService,
  ctx: ApiContext,
  name: RepositoryName,
): Promise<boolean> {
  const query = queryOf(ctx)
  const digest = tryParseDigest(query.get('mount'))
  const from = query.has('from') ? tryParseName(query.get('from')) : undefined
  if (digest === undefined || (query.has('from') && from === undefined)) return false
  const { signal } = ctx.state
  if (!(await service.mountBlob(name, digest, from, { signal }))) return false
  sendBlobCreated(ctx, name, digest)
  return true
}

async function openSession(
  { uploads }: RegistryService,
  ctx: ApiContext,
  name: RepositoryName,
): Promise<void> {
  const algorithm = algorithmQuery(ctx)
  const { signal } = ctx.state
  const status = await uploads.create(name, { signal, ...(algorithm && { algorithm }) })
  sendEmpty(ctx, 202, uploadHeaders(name, status))
}

/** `?digest-algorithm=` announces what the content will be named by (end-4c). */
function algorithmQuery(ctx: ApiContext): DigestAlgorithm | undefined {
  const given = queryOf(ctx).get('digest-algorithm')
  if (given === null || given === 'sha256' || given === 'sha512') return given ?? undefined
  throw new RegistryError('DIGEST_INVALID', { message: 'the algorithms are sha256 and sha512' })
}

/** The whole blob in the POST (end-4b): a session that lives as long as the request. */
async function uploadAtOnce(
  { uploads }: RegistryService,
  ctx: ApiContext,
  name: RepositoryName,
  limits: ApiLimits,
): Promise<void> {
  const digest = digestQuery(ctx)
  const chunk = hasChunk(ctx) ? chunkOf(ctx, limits) : undefined
  const { id } = await uploads.create(name, {
    signal: ctx.state.signal,
    algorithm: algorithmOf(digest),
  })
  try {
    await uploads.finish(name, id, digest, chunk)
  } catch (error) {
    await forget(uploads.cancel(name, id))
    throw error
  }
  sendBlobCreated(ctx, name, digest)
}

/** The client never learnt the id, so the session is of no use; after DIGEST_INVALID it has gone already. */
async function forget(cancelled: Promise<void>): Promise<void> {
  try {
    await cancelled
  } catch (error) {
    if (!isRegistryError(error, 'BLOB_UPLOAD_UNKNOWN')) throw error
  }
}

/** containerd and buildkit refuse a push whose answer has no Docker-Content-Digest. */
function sendBlobCreated(ctx: ApiContext, name: RepositoryName, digest: Digest): void {
  sendEmpty(ctx, 201, {
    Location: `/v2/${name}/blobs/${digest}`,
    'Docker-Content-Digest': digest,
  })
}
