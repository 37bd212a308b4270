import { algorithmOf, tryParseDigest } from '../oci/digest.ts'
import { isRegistryError, RegistryError } from '../oci/errors.ts'
import { tryParseName } from '../oci/name.ts'
import { sendEmpty } from './answer.ts'
import { noteForAudit } from './audit.ts'
import { digestQuery, nameOf, queryOf } from './params.ts'
import { rightsOf } from './rights.ts'
import { chunkOf, hasChunk, sendBlobCreated, uploadHeaders } from './upload-chunk.ts'
import type { Digest, DigestAlgorithm } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { RegistryService } from '../registry/ports.ts'
import type { ApiContext, ApiLimits, RouteContext } from './context.ts'

/**
 * The chunk that pays, in bytes (`OCI-Chunk-Min-Length`; distribution-spec, "Pushing a blob in chunks"). Smaller ones are
 * taken as well.
 *
 * The spec has clients send no smaller chunks than a registry says here, and those that know the header (regclient, 1 MiB
 * otherwise; cue, 64 KiB) then use it as their chunk. Each chunk costs a round trip and three syncs, so there is something
 * to win: on one machine 64 KiB made 2 MiB/s, 1 MiB 40, 4 MiB 55, 16 MiB 60, and the whole in one request 70; the slower
 * the line answers, the more. It has to be whole leaves of the tree (1 MiB), for what is left over is written twice. Four
 * of them are what the writer stores at once. Beyond that there is little to win, and clients hold a chunk in memory.
 */
export const CHUNK_MIN_BYTES = 4 * 1024 * 1024

/** `POST /v2/<name>/blobs/uploads/`: distribution-spec end-4a to end-4c and end-11. */
export async function startUpload(
  service: RegistryService,
  ctx: RouteContext,
  limits: ApiLimits,
): Promise<void> {
  const name = nameOf(ctx)
  const announced = algorithmQuery(ctx) // wrong is wrong, whatever else is asked for
  const mounted = await mount(service, ctx, name)
  if (mounted !== undefined) {
    noteForAudit(ctx, { mounted: true })
    sendBlobCreated(ctx, name, mounted)
  } else if (queryOf(ctx).has('digest')) await uploadAtOnce(service, ctx, name, limits)
  else await openSession(service, ctx, name, announced)
}

/**
 * `?digest-algorithm=` says what the content will be named by (end-4c). It is a help and no promise: the digest at the end
 * decides, and clients that never say it push sha512 all the same.
 *
 * @throws RegistryError DIGEST_INVALID when it is none that we know ("Pushing blobs": 400)
 */
function algorithmQuery(ctx: ApiContext): DigestAlgorithm | undefined {
  const given = queryOf(ctx).getAll('digest-algorithm')
  if (given.length === 0) return undefined
  const [algorithm] = given
  if (given.length === 1 && (algorithm === 'sha256' || algorithm === 'sha512')) return algorithm
  throw new RegistryError('DIGEST_INVALID', {
    message: 'digest-algorithm is one of sha256 and sha512',
  })
}

/**
 * `?mount=<digest>&from=<name>`, or without `from`. Whatever is wrong with either, the spec has the client upload instead
 * of fail ("Mounting a blob from another repository"); but a `from` that is no name is not the same as none, which lets us
 * look everywhere.
 *
 * @returns the digest of what was mounted
 */
async function mount(
  service: RegistryService,
  ctx: ApiContext,
  name: RepositoryName,
): Promise<Digest | undefined> {
  const query = queryOf(ctx)
  const digest = mountQuery(ctx)
  const from = query.has('from') ? tryParseName(only(query.getAll('from'))) : undefined
  if (digest === undefined || (query.has('from') && from === undefined)) return undefined
  const isMounted = await service.mountBlob(name, digest, from, {
    signal: ctx.state.signal,
    by: rightsOf(ctx),
  })
  return isMounted ? digest : undefined
}

function mountQuery(ctx: ApiContext): Digest | undefined {
  return tryParseDigest(only(queryOf(ctx).getAll('mount')))
}

/** What was given once; what was given twice says nothing. */
function only(values: readonly string[]): string | undefined {
  return values.length === 1 ? values[0] : undefined
}

/** After a mount that did not come to be, the client uploads that very blob. */
async function openSession(
  { uploads }: RegistryService,
  ctx: ApiContext,
  name: RepositoryName,
  announced: DigestAlgorithm | undefined,
): Promise<void> {
  const wanted = mountQuery(ctx)
  const algorithm = announced ?? (wanted && algorithmOf(wanted))
  const { signal } = ctx.state
  const status = await uploads.create(name, {
    signal,
    by: rightsOf(ctx),
    ...(algorithm && { algorithm }),
  })
  sendEmpty(ctx, 202, {
    ...uploadHeaders(name, status),
    'OCI-Chunk-Min-Length': String(CHUNK_MIN_BYTES),
  })
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
  const by = rightsOf(ctx)
  const { id } = await uploads.create(name, {
    signal: ctx.state.signal,
    by,
    algorithm: algorithmOf(digest),
  })
  try {
    noteForAudit(ctx, { bytes: await uploads.finish(name, id, digest, chunk, { by }) })
  } catch (error) {
    await forget(uploads.cancel(name, id, { by }))
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
