import { RegistryError } from '../oci/errors.ts'
import { SingleFlight } from './single-flight.ts'
import { Session, uploadUnknown } from './upload-session.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Abortable, Upload, UploadInfo, UploadStore } from './ports.ts'

/** The ids we give out (`crypto.randomUUID`); nothing else gets near the store. */
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** The open sessions: those of this life of the process, and those of earlier ones as they are asked for. */
export class UploadSessions {
  readonly #store: UploadStore
  readonly #now: () => number
  readonly #max: number
  readonly #open = new Map<string, Session>()
  readonly #opening = new SingleFlight<Session | undefined>()
  /** Every id on disk, or about to be; `undefined` until the store was first listed. */
  #ids: Promise<Set<string>> | undefined

  constructor(store: UploadStore, now: () => number, max: number) {
    this.#store = store
    this.#now = now
    this.#max = max
  }

  /** @throws RegistryError TOOMANYREQUESTS when as many are open as may be */
  async create(info: UploadInfo): Promise<Upload> {
    const ids = await this.#known()
    if (ids.size >= this.#max) {
      throw new RegistryError('TOOMANYREQUESTS', {
        message: `${this.#max} uploads are open; finish or cancel some first`,
        headers: { 'Retry-After': '60' },
      })
    }
    ids.add(info.id) // before the wait, so that the bound holds for many at once
    try {
      const upload = await this.#store.create(info)
      this.#remember(upload)
      return upload
    } catch (error) {
      ids.delete(info.id)
      throw error
    }
  }

  /** @throws RegistryError BLOB_UPLOAD_UNKNOWN, also when it belongs to another repository */
  async find(name: RepositoryName, id: string, options: Abortable): Promise<Session> {
    const session = ID.test(id) ? await this.#find(id, options) : undefined
    if (session?.upload.name !== name) throw uploadUnknown(id)
    return session
  }

  /** Discards what has not changed since `before` (ms since the epoch). Returns how many. */
  async purge(before: number, options: Abortable): Promise<number> {
    let purged = 0
    for (const { id, startedAt } of await this.#store.list()) {
      if (startedAt >= before || (this.#open.get(id)?.changedAt ?? 0) >= before) continue
      const session = await this.#find(id, options)
      if (session === undefined || session.isBusy) continue
      await session.alone(() => session.discard())
      purged++
    }
    return purged
  }

  /** Two requests that wake the same session up must get the same one, or it would take two chunks at once. */
  async #find(id: string, options: Abortable): Promise<Session | undefined> {
    const open = this.#open.get(id)
    if (open !== undefined) return open
    const wake = async (signal: AbortSignal): Promise<Session | undefined> => {
      const upload = await this.#store.open(id, { signal })
      return upload && (this.#open.get(id) ?? this.#remember(upload))
    }
    return this.#opening.run(id, wake, options)
  }

  #remember(upload: Upload): Session {
    const { id } = upload
    const session = new Session(upload, this.#now, (how) => {
      if (this.#open.get(id) === session) this.#open.delete(id)
      if (how === 'discard') this.#release(id)
    })
    this.#open.set(id, session)
    return session
  }

  /** When the ids are not known yet, the list will not have this one; a list that fails is told to who asked for it. */
  #release(id: string): void {
    void this.#ids?.then(
      (ids) => ids.delete(id),
      () => undefined,
    )
  }

  #known(): Promise<Set<string>> {
    this.#ids ??= this.#list()
    return this.#ids
  }

  async #list(): Promise<Set<string>> {
    try {
      return new Set((await this.#store.list()).map(({ id }) => id))
    } catch (error) {
      this.#ids = undefined // the next one asks again
      throw error
    }
  }
}
