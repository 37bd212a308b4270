import { sendEmpty } from './answer.ts'
import { digestOf, nameOf } from './params.ts'
import { sendContent } from './send.ts'
import type { ByteRange, RegistryService } from '../registry/ports.ts'
import type { ApiLimits, RouteContext } from './context.ts'

/** Routes below `/v2/<name>/blobs/<digest>`: distribution-spec end-2 and end-10. */
export function blobRoutes(service: RegistryService, { sendStallMs }: ApiLimits) {
  return {
    get: async (ctx: RouteContext): Promise<void> => {
      const { signal } = ctx.state
      const name = nameOf(ctx)
      const blob = await service.getBlob(name, digestOf(ctx), { signal })
      const sendable = {
        digest: blob.digest,
        mediaType: 'application/octet-stream',
        size: blob.size,
        open: (range: ByteRange | undefined) => blob.open({ range, signal }),
      }
      await sendContent(ctx, sendable, sendStallMs)
    },

    remove: async (ctx: RouteContext): Promise<void> => {
      await service.deleteBlob(nameOf(ctx), digestOf(ctx), { signal: ctx.state.signal })
      sendEmpty(ctx, 202)
    },
  }
}
