import type { UploadService } from '../registry/ports.ts'
import type { ApiMiddleware, RouteContext } from './context.ts'
import type { OpenUploads } from './open-uploads.ts'

/**
 * Counts the uploads that each client has open. That one is over only the service can tell: an answer with an error leaves
 * most of them open, and one may end without any request of its client.
 */
export class UploadCounts {
  /** The counts in which an open upload is. */
  readonly #countedIn = new Map<string, readonly OpenUploads[]>()

  constructor(uploads: Pick<UploadService, 'onEnd'>) {
    uploads.onEnd((id) => this.#over(id))
  }

  /** Counts the upload that a `POST` begins; one that is mounted or sent at once counts as long as its request lasts. */
  readonly begins: ApiMiddleware = async (ctx, next) => {
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
      if (id !== undefined && taken.length > 0) this.#countedIn.set(id, taken)
    }
  }

  /** Notes that somebody goes on with an upload. */
  readonly goesOn = async (ctx: RouteContext, next: () => Promise<unknown>): Promise<void> => {
    try {
      await next()
    } finally {
      const id = ctx.params['id'] ?? ''
      for (const count of this.#countedIn.get(id) ?? []) count.used(id)
    }
  }

  #over(id: string): void {
    for (const count of this.#countedIn.get(id) ?? []) count.over(id)
    this.#countedIn.delete(id)
  }
}
