import { sendEmpty } from './answer.ts'
import { noteForAudit } from './audit.ts'
import { digestQuery, nameOf, uploadIdOf } from './params.ts'
import { rightsOf } from './rights.ts'
import {
  chunkOf,
  hasChunk,
  readInOrder,
  sendBlobCreated,
  uploadHeaders,
  withOffset,
} from './upload-chunk.ts'
import { startUpload } from './upload-start.ts'
import type { RegistryService } from '../registry/ports.ts'
import type { ApiLimits, RouteContext } from './context.ts'
import type { Session } from './upload-chunk.ts'

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
    start: (ctx: RouteContext): Promise<void> => startUpload(service, ctx, limits),

    status: async (ctx: RouteContext): Promise<void> => {
      const { name, id, by } = sessionOf(ctx)
      const status = await uploads.status(name, id, { signal: ctx.state.signal, by })
      sendEmpty(ctx, 204, uploadHeaders(name, status))
    },

    append: async (ctx: RouteContext): Promise<void> => {
      const session = sessionOf(ctx)
      const status = await withOffset(uploads, session, async () => {
        const chunk = await readInOrder(ctx, uploads, session, () => chunkOf(ctx, limits))
        return uploads.append(session.name, session.id, chunk, { by: session.by })
      })
      sendEmpty(ctx, 202, uploadHeaders(session.name, status))
    },

    finish: async (ctx: RouteContext): Promise<void> => {
      const session = sessionOf(ctx)
      const finished = await withOffset(uploads, session, async () => {
        const { chunk, digest } = await readInOrder(ctx, uploads, session, () => ({
          chunk: hasChunk(ctx) ? chunkOf(ctx, limits) : undefined,
          digest: digestQuery(ctx),
        }))
        const { name, id, by } = session
        const bytes = await uploads.finish(name, id, digest, chunk, { by })
        noteForAudit(ctx, { bytes })
        return digest
      })
      sendBlobCreated(ctx, session.name, finished)
    },

    cancel: async (ctx: RouteContext): Promise<void> => {
      const { name, id, by } = sessionOf(ctx)
      await uploads.cancel(name, id, { signal: ctx.state.signal, by })
      sendEmpty(ctx, 204)
    },
  }
}

function sessionOf(ctx: RouteContext): Session {
  return { name: nameOf(ctx), id: uploadIdOf(ctx), by: rightsOf(ctx) }
}
