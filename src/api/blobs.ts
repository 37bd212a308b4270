import { sendEmpty } from './answer.ts'
import { conditionsOf, digestOf, nameOf } from './params.ts'
import { sendContent } from './send.ts'
import { Turns } from './turns.ts'
import { isRegistryError } from '../oci/errors.ts'
import type { Content, RegistryService } from '../registry/ports.ts'
import type { ApiLimits, RouteContext } from './context.ts'
import type { Sendable } from './send.ts'

/** As many wrong mirrors before a right one are too many for one request. */
const MAX_ATTEMPTS = 5

/** Routes below `/v2/<name>/blobs/<digest>`: distribution-spec end-2 and end-10. */
export function blobRoutes(service: RegistryService, { sendStallMs, downloads }: ApiLimits) {
  const turns = new Turns(downloads)
  return {
    get: async (ctx: RouteContext): Promise<void> => {
      const { signal } = ctx.state
      const name = nameOf(ctx)
      for (let attempt = 1; ; attempt++) {
        const blob = await service.getBlob(name, digestOf(ctx), { signal })
        try {
          return await sendContent(ctx, sendable(blob, signal), sendStallMs, turns)
        } catch (error) {
          if (
            ctx.res.headersSent ||
            attempt === MAX_ATTEMPTS ||
            !isRegistryError(error, 'BLOB_UNKNOWN')
          )
            throw error
          // Who had it was found wrong before the first byte. Another may have it in another size: ask again.
        }
      }
    },

    remove: async (ctx: RouteContext): Promise<void> => {
      const options = { conditions: conditionsOf(ctx), signal: ctx.state.signal }
      await service.deleteBlob(nameOf(ctx), digestOf(ctx), options)
      sendEmpty(ctx, 202)
    },
  }
}

function sendable(blob: Content, signal: AbortSignal): Sendable {
  return {
    digest: blob.digest,
    mediaType: 'application/octet-stream',
    size: blob.size,
    isWholeFirst: blob.isWholeFirst ?? false,
    open: (range, { piece }) => blob.open({ range, signal, piece }),
    hold: () => blob.hold?.(),
  }
}
