import { RegistryError } from '../oci/errors.ts'
import { SingleFlight } from './single-flight.ts'
import { UploadBytes } from './upload-bytes.ts'
import { Session, uploadUnknown } from './upload-session.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Abortable, Asked, Upload, UploadInfo, UploadStore } from './ports.ts'

/** The ids we give out (`crypto.randomUUID`); nothing else gets near the store. */
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** The bounds of {@link UploadSessions}. */
export interface SessionLimits {
  /** Sessions at once, also those from before a restart. */
  max: number
  /** When so many are there, one that nobody came back to for so long makes room for a new one, in ms. */
  idleWhenFull: number
  /** Bytes of all of them together. */
  maxBytes: number
}

/** A search for sessions that were left behind is not repeated for so long, in ms: each reads the headers of all. */
const SEARCH_PAUSE_MS = 10_000

/** The open sessions: those of this life of the process, and those of earlier ones as they are asked for. */
export class UploadSessions {
  readonly #store: UploadStore
  readonly #now: () => number
  readonly #limits: SessionLimits
  /** When this life of the process began: nobody can have come back to an older session before. */
  readonly #bornAt: number
  readonly #open = new Map<string, Session>()
  /** `undefined` when there is no limit. */
  readonly #bytes: UploadBytes | undefined
  readonly #opening = new SingleFlight<Session | undefined>()
  /** Every id on disk, or about to be; `undefined` until the store was first listed. */
  #ids: Promise<Set<string>> | undefined
  /**
   * Sessions that end with their repository, and how many removals of it want that; one that is opened meanwhile ends as
   * well. A removal that comes to nothing must not take back what another one, at the same time, wants.
   */
  readonly #ending = new Map<string, number>()
  /** Those on disk that nobody was told of yet: they begin after whatever goes on meanwhile. */
  readonly #beginning = new Set<string>()
  readonly #listeners: ((id: string) => void)[] = []
  #makingRoom: Promise<unknown> | undefined
  #searchedAt = -Infinity

  constructor(store: UploadStore, now: () => number, limits: SessionLimits) {
    this.#store = store
    this.#now = now
    this.#limits = limits
    this.#bornAt = now()
    if (limits.maxBytes < Infinity)
      this.#bytes = new UploadBytes({
        max: limits.maxBytes,
        ids: () => this.#known(),
        size: (id) => store.sizeOf(id),
      })
  }

  /** As `UploadService.onEnd`. */
  onEnd(listener: (id: string) => void): void {
    this.#listeners.push(listener)
  }

  /** @throws RegistryError TOOMANYREQUESTS when as many are open, or as many bytes, as may be, and all of them are in use */
  async create(info: UploadInfo): Promise<Upload> {
    const ids = await this.#known()
    await this.#bytes?.load()
    if (this.#bytes?.isFull === true) {
      const kept = await this.makeRoom()
      if (this.#bytes.isFull) throw this.#bytes.refusal(kept)
    }
    const { max } = this.#limits
    const failure = ids.size >= max ? await this.makeRoom() : undefined
    if (ids.size >= max) {
      throw new RegistryError('TOOMANYREQUESTS', {
        message: `${max} uploads are open; finish or cancel some first`,
        headers: { 'Retry-After': '60' },
        cause: failure,
      })
    }
    ids.add(info.id) // before the wait, so that the bound holds for many at once
    this.#beginning.add(info.id)
    try {
      const upload = await this.#store.create(info)
      this.#remember(upload)
      return upload
    } catch (error) {
      ids.delete(info.id)
      throw error
    } finally {
      this.#beginning.delete(info.id)
    }
  }

  /** @throws RegistryError BLOB_UPLOAD_UNKNOWN, also when it belongs to another repository or to somebody else */
  async find(name: RepositoryName, id: string, { signal, by }: Asked): Promise<Session> {
    const session = ID.test(id) ? await this.#find(id, { signal }) : undefined
    if (session?.upload.name !== name) throw uploadUnknown(id)
    // An id is no secret: it stands in logs of proxies.
    if (by !== undefined && session.upload.owner !== by.user) throw uploadUnknown(id)
    session.usedAt = this.#now()
    session.isGivenUp = false
    return session
  }

  /**
   * Ends a session that its client gave up, whatever is being written to it.
   *
   * @throws RegistryError as {@link find}; BLOB_UPLOAD_UNKNOWN also when it was finished first
   */
  async cancel(name: RepositoryName, id: string, asked: Asked): Promise<void> {
    await this.find(name, id, asked)
    if (!(await this.#discard(id))) throw uploadUnknown(id)
  }

  /**
   * The bytes of a request, each counted before it is passed on. The session of one that finds no room is the first to
   * go when somebody needs it, unless its client comes back before: otherwise many could hold what none can finish with.
   *
   * @throws RegistryError TOOMANYREQUESTS
   */
  async *counted(session: Session, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const bytes = this.#bytes
    await bytes?.load()
    for await (const chunk of source) {
      if (bytes !== undefined && !bytes.take(session.upload.id, chunk.length)) {
        const kept = await this.makeRoom()
        if (!bytes.take(session.upload.id, chunk.length)) {
          session.isGivenUp = true
          throw bytes.refusal(kept)
        }
      }
      yield chunk
    }
  }

  /** To be called when a request for a session has ended: what it really has is counted. */
  settle({ upload, isForgotten }: Session): void {
    if (!isForgotten && this.#open.has(upload.id)) this.#bytes?.set(upload.id, upload.size)
  }

  /**
   * Discards what nobody came back to since `before` (ms since the epoch). Of one from an earlier life of the process only
   * its bytes tell when that was.
   *
   * @returns how many
   * @throws what kept a session from being discarded, after all others have been
   */
  purge(before: number, options: Abortable): Promise<number> {
    return this.#purge(before, 0, options)
  }

  /** @param usedSince when every session is thought to have been used, as far as this life of the process knows */
  async #purge(before: number, usedSince: number, options: Abortable): Promise<number> {
    let purged = 0
    const failures: unknown[] = []
    for (const { id, startedAt, changedAt } of await this.#store.list()) {
      const session = this.#open.get(id)
      const usedAt = session?.usedAt ?? Math.max(startedAt, changedAt, usedSince)
      const isWanted = session?.isGivenUp !== true && session?.isOver !== true
      if (usedAt >= before && isWanted) continue
      try {
        if (await this.#discardIdle(id, options)) purged++
      } catch (error) {
        options.signal?.throwIfAborted()
        failures.push(error) // one that cannot be read must not keep the others
      }
    }
    if (failures.length > 0) throw failures[0]
    return purged
  }

  async #discardIdle(id: string, options: Abortable): Promise<boolean> {
    const session = this.#open.get(id)
    if (session !== undefined) {
      if (session.isBusy || session.isMarked) return false
      return session.end()
    }
    return (await this.#discardUnopened(id, options)) === undefined
  }

  /**
   * Does not open it, which would read all that was uploaded; but takes the place of opening it, so that nobody can
   * meanwhile.
   *
   * @returns the session if somebody came back to it at this moment: then it was not discarded
   */
  #discardUnopened(id: string, options: Abortable): Promise<Session | undefined> {
    const discard = async (): Promise<undefined> => {
      await this.#store.discard(id)
      this.#release(id)
    }
    return this.#opening.run(id, discard, options)
  }

  /**
   * A client that was killed leaves its session behind, and with it would go one place after the other until nobody can
   * push; or the room on the disk. So when all are taken, or there is little room, those that look left behind go.
   *
   * @returns what kept some of them from going
   */
  makeRoom(): Promise<unknown> {
    this.#makingRoom ??= this.#discardLeftBehind().finally(() => (this.#makingRoom = undefined))
    return this.#makingRoom
  }

  async #discardLeftBehind(): Promise<unknown> {
    const now = this.#now()
    const since = now - this.#searchedAt
    if (since >= 0 && since < SEARCH_PAUSE_MS) return undefined // a clock that was set back holds nothing up
    this.#searchedAt = now
    try {
      await this.#purge(now - this.#limits.idleWhenFull, this.#bornAt, {})
      return undefined
    } catch (error) {
      return error // there may be room all the same
    }
  }

  /**
   * Ends the sessions that a repository has now, with a removal: all of them if it came to pass, else none.
   *
   * @param remove calls `end` inside its commit; from then on nothing that a session finishes is linked
   */
  async endAll(
    name: RepositoryName,
    remove: (end: () => void) => Promise<boolean>,
  ): Promise<boolean> {
    const ids = (await this.#store.list())
      .filter((info) => info.name === name && !this.#beginning.has(info.id))
      .map(({ id }) => id)
    let isMarked = false
    const mark = (isEnding: boolean): void => {
      if (isMarked === isEnding) return
      isMarked = isEnding
      for (const id of ids) this.#mark(id, isEnding)
    }
    let removed = false
    try {
      removed = await remove(() => mark(true))
    } finally {
      if (!removed) mark(false)
    }
    if (removed) for (const id of ids) await this.#end(id)
    return removed
  }

  async #end(id: string): Promise<void> {
    await this.#discard(id)
    this.#mark(id, false) // what could not be ended stays marked
  }

  /** @returns false when it was finished first */
  async #discard(id: string): Promise<boolean> {
    const session = this.#open.get(id) ?? (await this.#discardUnopened(id, {}))
    return session === undefined || (await session.end())
  }

  #mark(id: string, isEnding: boolean): void {
    const removals = (this.#ending.get(id) ?? 0) + (isEnding ? 1 : -1)
    if (removals > 0) this.#ending.set(id, removals)
    else this.#ending.delete(id)
    const session = this.#open.get(id)
    if (session !== undefined) session.isMarked = removals > 0
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
    session.isMarked = this.#ending.has(id)
    this.#open.set(id, session)
    this.#bytes?.set(id, upload.size)
    return session
  }

  /** When the ids are not known yet, the list will not have this one; a list that fails is told to who asked for it. */
  #release(id: string): void {
    this.#bytes?.end(id)
    for (const listener of this.#listeners) listener(id)
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
