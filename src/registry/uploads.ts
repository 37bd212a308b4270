import { randomUUID } from 'node:crypto'
import { isRegistryError, RegistryError } from '../oci/errors.ts'
import { interruptible } from './interruptible.ts'
import { UploadSessions } from './upload-sessions.ts'
import { checkRange, exactly } from './upload-range.ts'
import { NO_RULES } from './standing.ts'
import { uploadUnknown } from './upload-session.ts'
import { WatchedSource } from './watched-source.ts'
import type { Digest, DigestAlgorithm } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type {
  Abortable,
  Asked,
  Chunk,
  RegistryWriter,
  StandingRules,
  Upload,
  UploadService,
  UploadStatus,
  UploadStore,
} from './ports.ts'
import type { Room } from './room.ts'
import type { Leases } from './leases.ts'
import type { Session } from './upload-session.ts'

/** What {@link Uploads} work on. */
export interface UploadsParts {
  store: UploadStore
  writer: RegistryWriter
  /** Without it a full disk is met when it is full. */
  room?: Room | undefined
  /** The clock, in ms. */
  now: () => number
  leases?: Leases
  /** As `ContentStore.hold`. */
  hold?: () => Disposable
  /** What holds for everybody; nothing, without it. */
  rules?: StandingRules
}

/** The rules for uploads. */
export interface UploadsOptions {
  readOnly: boolean
  /** Largest blob, in bytes. */
  blobLimit: number
  /** Sessions open at once, also those from before a restart. */
  maxSessions?: number
  /** Bytes of all open sessions together. */
  maxBytes?: number
  /** A session that nobody came back to for so long is purged, in ms. */
  idleFor?: number
  /** The same while as many are open as may be, in ms. */
  idleWhenFull?: number
}

/** A push has some five open at a time, so this is 200 pushes at once: no client meets it that ends what it began. */
const MAX_SESSIONS = 1000
/** As in Distribution, whose clients retry for days. */
const IDLE_MS = 7 * 24 * 3_600_000
/** Longer than any pause inside a push that is still going on. */
const IDLE_WHEN_FULL_MS = 3_600_000

/**
 * Upload sessions (distribution-spec, "Pushing blobs"): each belongs to one repository, takes one request at a time, and
 * only grows at its end. What the bytes are is settled once, at the end, by the digest.
 */
export class Uploads implements UploadService {
  readonly #writer: RegistryWriter
  readonly #room: Room | undefined
  readonly #sessions: UploadSessions
  readonly #options: UploadsOptions
  readonly #now: () => number
  readonly #leases: Leases | undefined
  readonly #hold: UploadsParts['hold']
  readonly #rules: StandingRules

  constructor(parts: UploadsParts, options: UploadsOptions) {
    const { store, writer, room, now, leases, hold, rules = NO_RULES } = parts
    this.#rules = rules
    this.#writer = writer
    this.#room = room
    this.#leases = leases
    this.#hold = hold
    this.#now = now
    this.#options = options
    this.#sessions = new UploadSessions(store, now, {
      max: options.maxSessions ?? MAX_SESSIONS,
      maxBytes: options.maxBytes ?? Infinity,
      idleWhenFull: options.idleWhenFull ?? IDLE_WHEN_FULL_MS,
    })
  }

  async create(
    name: RepositoryName,
    { algorithm = 'sha256', by }: Asked & { algorithm?: DigestAlgorithm } = {},
  ): Promise<UploadStatus> {
    this.#mayWrite()
    await this.#mayBegin()
    const info = { id: randomUUID(), name, startedAt: this.#now(), algorithm, owner: by?.user }
    const { id, size } = await this.#sessions.create(info)
    return { id, size }
  }

  async status(name: RepositoryName, id: string, options: Asked = {}): Promise<UploadStatus> {
    const { upload, isEnding } = await this.#sessions.find(name, id, options)
    if (isEnding) throw uploadUnknown(id)
    return { id, size: upload.size }
  }

  async append(
    name: RepositoryName,
    id: string,
    chunk: Chunk,
    options: Asked = {},
  ): Promise<UploadStatus> {
    this.#mayWrite()
    const session = await this.#sessions.find(name, id, options)
    return session.alone(async (upload, over) => {
      using _ = this.#leases?.upload(name)
      await this.#append(session, upload, chunk, until(over, options))
      return { id, size: upload.size }
    })
  }

  async finish(
    name: RepositoryName,
    id: string,
    digest: Digest,
    chunk: Chunk | undefined,
    options: Asked = {},
  ): Promise<number> {
    this.#mayWrite()
    const session = await this.#sessions.find(name, id, options)
    return session.alone(async (upload, over) => {
      using _ = this.#leases?.upload(name)
      const work = until(over, options)
      if (chunk !== undefined) await this.#append(session, upload, chunk, work)
      return await this.#link(session, upload, digest, work)
    })
  }

  async cancel(name: RepositoryName, id: string, options: Asked = {}): Promise<void> {
    this.#mayWrite()
    await this.#sessions.cancel(name, id, options)
  }

  onEnd(listener: (id: string) => void): void {
    this.#sessions.onEnd(listener)
  }

  /** As {@link UploadSessions.endAll}. */
  endAll(name: RepositoryName, remove: (end: () => void) => Promise<boolean>): Promise<boolean> {
    return this.#sessions.endAll(name, remove)
  }

  /** Discards sessions that nobody came back to for long; the daemon calls it now and then. Returns how many. */
  purge(options: Abortable = {}): Promise<number> {
    return this.#sessions.purge(this.#now() - (this.#options.idleFor ?? IDLE_MS), options)
  }

  async #append(session: Session, upload: Upload, chunk: Chunk, work: Work): Promise<void> {
    const { range } = chunk
    const arriving = interruptible(chunk.source, work.signal)
    const { blobLimit } = this.#options
    if (range !== undefined) checkRange(range, upload.size, blobLimit)
    const body = range === undefined ? arriving : exactly(arriving, range.end - range.start + 1)
    // Where the room ends, what came before is kept, as when the client goes away.
    const source = new WatchedSource(this.#sessions.counted(session, this.#whileThereIsRoom(body)))
    try {
      await upload.append(source, { signal: work.signal, limit: blobLimit })
    } catch (error) {
      // The client's failure leaves the upload as it says; our own disk's leaves it in doubt, so it is opened anew.
      if (!source.threw(error) && !isRegistryError(error)) session.forget()
      throw error
    } finally {
      this.#sessions.settle(session)
    }
  }

  async *#whileThereIsRoom(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const bytes of source) {
      await this.#room?.make()
      yield bytes
    }
  }

  /** After a failed link the session stays, and the client may try again; after a wrong digest it is of no use. */
  async #link(session: Session, upload: Upload, digest: Digest, work: Work): Promise<number> {
    using _ = this.#hold?.()
    let stored
    try {
      stored = await upload.finish(digest, work)
    } catch (error) {
      if (isRegistryError(error, 'DIGEST_INVALID')) await session.discard()
      throw error
    }
    await this.#leases?.grant(upload.name, digest)
    await this.#writer.transact((tx) => {
      if (session.isEnding) throw uploadUnknown(upload.id)
      return tx.linkBlob(upload.name, stored)
    }, work)
    session.isLinked = true
    try {
      await session.discard()
    } catch {
      session.forget() // the blob is there, which is what is asked; what is left of the session is purged with the idle ones
    }
    return stored.size
  }

  /** @throws the error of a full disk; what looks left behind has then been given up, for the collector to take its blocks */
  async #mayBegin(): Promise<void> {
    try {
      await this.#room?.make()
    } catch (error) {
      await this.#sessions.makeRoom()
      throw error
    }
  }

  #mayWrite(): void {
    if (this.#options.readOnly) throw readOnlyError('ipns.writeKey')
    if (this.#rules.readOnly) throw readOnlyError('access.readOnly')
  }
}

/** What stops the work of a request on an upload: its caller, or the end of the session. */
interface Work {
  readonly signal: AbortSignal
}

function until(over: AbortSignal, { signal }: Abortable): Work {
  return { signal: signal === undefined ? over : AbortSignal.any([signal, over]) }
}

/** The answer to every write on a node that only reads. @param option the one that says so */
export function readOnlyError(option: string): RegistryError {
  return new RegistryError('UNSUPPORTED', { message: `this registry is read-only (${option})` })
}
