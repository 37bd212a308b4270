import { isRegistryError } from '../oci/errors.ts'
import { uploadIdOf } from './params.ts'
import type { ApiMiddleware, RouteContext } from './context.ts'
import type { OpenUploads } from './open-uploads.ts'

/** Counts the upload that a `POST` begins; one that is mounted or sent at once counts as long as its request lasts. */
export const beginsUpload: ApiMiddleware = async (ctx, next) => {
  const counts = ctx.state.allowance?.openUploads ?? []
  const taken: OpenUploads[] = []
  let id: string | undefined
  try {
    for (const count of counts) {
      count.begin()
      taken.push(count)
    }
    await next()
    if (ctx.status === 202) id = ctx.response.get('Docker-Upload-UUID')
  } finally {
    for (const count of taken) count.begun(id)
  }
}

/** Follows what becomes of an upload that is open. */
export async function goesOnWithUpload(
  ctx: RouteContext,
  next: () => Promise<unknown>,
): Promise<void> {
  const counts = ctx.state.allowance?.openUploads ?? []
  if (counts.length === 0) return void (await next())
  let isOver = false
  try {
    await next()
    isOver = ctx.method === 'DELETE' || ctx.status === 201
  } catch (error) {
    // After a wrong digest the session is gone as well.
    isOver =
      isRegistryError(error, 'BLOB_UPLOAD_UNKNOWN') || isRegistryError(error, 'DIGEST_INVALID')
    throw error
  } finally {
    const id = uploadIdOf(ctx)
    for (const count of counts) {
      if (isOver) count.over(id)
      else count.used(id)
    }
  }
}
