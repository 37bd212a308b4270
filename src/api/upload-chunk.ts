import { isRegistryError, RegistryError } from '../oci/errors.ts'
import { sendEmpty } from './answer.ts'
import { contentLength, hasBody, readBody } from './body.ts'
import { parseContentRange } from './content-range.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Chunk, Rights, UploadService, UploadStatus } from '../registry/ports.ts'
import type { ApiContext, ApiLimits } from './context.ts'

/** Which upload a request is about, and who asks. */
export interface Session {
  name: RepositoryName
  id: string
  by: Rights
}

/** The headers that tell a client where an upload stands. */
export function uploadHeaders(
  name: RepositoryName,
  { id, size }: UploadStatus,
): Record<string, string> {
  return {
    Location: `/v2/${name}/blobs/uploads/${id}`,
    // Inclusive, so nothing at all cannot be written; Distribution says `0-0` for that and clients know it.
    Range: `0-${Math.max(0, size - 1)}`,
    'Docker-Upload-UUID': id,
  }
}

/** containerd and buildkit refuse a push whose answer has no Docker-Content-Digest. */
export function sendBlobCreated(ctx: ApiContext, name: RepositoryName, digest: Digest): void {
  sendEmpty(ctx, 201, {
    Location: `/v2/${name}/blobs/${digest}`,
    'Docker-Content-Digest': digest,
  })
}

/** Whether a request adds anything: an announced range counts, so that an empty body does not pass for it. */
export function hasChunk({ req }: ApiContext): boolean {
  return hasBody(req) || req.headers['content-range'] !== undefined
}

/**
 * The chunk in a request's body, which may be empty.
 *
 * @throws RegistryError TOO_LARGE, SIZE_INVALID, RANGE_INVALID, all before the body is read
 */
export function chunkOf(ctx: ApiContext, limits: ApiLimits): Chunk {
  const { req, res } = ctx
  const length = hasBody(req) ? contentLength(req) : 0
  if ((length ?? 0) > limits.blob) throw new RegistryError('TOO_LARGE')
  const range = parseContentRange(req.headers['content-range'])
  if (range === 'malformed') throw new RegistryError('RANGE_INVALID')
  if (range !== undefined && length !== undefined && length !== range.end - range.start + 1) {
    throw new RegistryError('SIZE_INVALID', {
      message: 'Content-Length and Content-Range do not agree',
    })
  }
  const { allowance, signal } = ctx.state
  const { bodyIdleMs: idleMs, minUploadRate } = limits
  const source = readBody(req, res, { idleMs, minUploadRate, signal, pace: allowance?.uploads })
  return { source, range }
}

/**
 * Reads what a request to an upload says besides its body. Of several things that are wrong with it, the client is told
 * first what it can do something about: that there is no such upload (404), then that the chunk is out of order, which
 * MUST be 416 (distribution-spec, "Pushing a blob in chunks").
 *
 * @throws RegistryError BLOB_UPLOAD_UNKNOWN, RANGE_INVALID; else what `read` throws
 */
export async function readInOrder<T>(
  { req }: ApiContext,
  uploads: UploadService,
  { name, id, by }: Session,
  read: () => T,
): Promise<T> {
  try {
    return read()
  } catch (error) {
    if (!isRegistryError(error)) throw error
    const { size } = await uploads.status(name, id, { by })
    const range = parseContentRange(req.headers['content-range'])
    if (typeof range !== 'object' || range.start === size) throw error
    throw new RegistryError('RANGE_INVALID', {
      message: `the next chunk begins at ${size}`,
      detail: { size },
    })
  }
}

/**
 * Runs what adds to an upload. A 416 has to say where the upload stands, so that the client can go on from there.
 *
 * @throws what `add` throws; BLOB_UPLOAD_UNKNOWN instead of RANGE_INVALID when there is no such session
 */
export async function withOffset<T>(
  uploads: UploadService,
  { name, id, by }: Session,
  add: () => Promise<T>,
): Promise<T> {
  try {
    return await add()
  } catch (error) {
    if (!isRegistryError(error, 'RANGE_INVALID')) throw error
    const status = { id, size: await sizeFrom(error, uploads, { name, id, by }) }
    throw new RegistryError('RANGE_INVALID', {
      message: error.message,
      detail: { size: status.size },
      cause: error,
      headers: uploadHeaders(name, status),
    })
  }
}

async function sizeFrom(
  { detail }: RegistryError,
  uploads: UploadService,
  { name, id, by }: Session,
): Promise<number> {
  const size = (detail as { size?: unknown } | undefined)?.size
  return typeof size === 'number' ? size : (await uploads.status(name, id, { by })).size
}
