import { readdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { ClassicLevel } from 'classic-level'
import { diskSpace } from './disk-space.ts'
import { isNotFound } from './files.ts'
import { StorageError, isFull, storageError } from './storage-error.ts'
import type { DurableMap } from '../registry/ports.ts'

/** One write of a batch; `undefined` removes the key. */
export interface StateWrite {
  key: Uint8Array
  value: Uint8Array | undefined
}

/** The data directory belongs to another process. */
export class DataDirectoryInUseError extends Error {
  static override readonly name = 'DataDirectoryInUseError'
  override readonly name = 'DataDirectoryInUseError'
}

/** The state database is damaged so that it cannot be opened, or not read whole. Its message is for the operator. */
export class DamagedDatabaseError extends StorageError {
  static override readonly name: string = 'DamagedDatabaseError'
  override readonly name: string = 'DamagedDatabaseError'

  constructor(directory: string, why: string, options?: ErrorOptions) {
    super(
      `the state database in ${directory} is damaged and cannot be opened (${why}): restore the data directory from a ` +
        `backup, or run heliport fsck --repair, which keeps a copy of it and rebuilds it from what can be read`,
      'EIO',
      false,
      options,
    )
  }
}

type Level = ClassicLevel<Uint8Array, Uint8Array>

/**
 * Most of what is in it are hashes, which no compression makes smaller. Tables that are not compressed are read where the
 * system has mapped them; of others each block that is read is kept once more, in a cache on the heap.
 */
const OPTIONS = { keyEncoding: 'view', valueEncoding: 'view', compression: false } as const

/** Writes that are handed to the database before other work gets its turn. */
const IN_A_ROW = 2048

/**
 * Room that opening the database may need: its tables are written anew from the log, which is at most 4 MiB. Of a small disk
 * no more than a twelfth, which is less than what is set aside there.
 */
const ROOM_TO_OPEN = 12 * 1024 * 1024
/** Files that it then makes: a log, a manifest, tables. */
const FILES_TO_OPEN = 16

/** Makes room on a disk that is full. False: there is none to be made. */
export type MakeRoom = () => Promise<boolean>

const NO_ROOM: MakeRoom = () => Promise.resolve(false)

/**
 * The node's small durable state: one LevelDB for small blocks, the journal, and the maps of the other rooms.
 * They are together because a commit writes blocks, journal entry and root in ONE synced batch (DESIGN §3).
 * LevelDB's own lock file makes it the lock of the whole data directory, so it is opened before anything else.
 *
 * After a write that failed, LevelDB goes on appending behind the torn record, and the next start drops all of that:
 * acknowledged writes would be lost without a word. So nothing is written after a failure until the database has been
 * closed and opened again, which begins a new log. Where the failure was of a kind after which the disk is not to be
 * trusted (a failed sync, EIO), nothing is written at all until a restart.
 */
export class StateDb {
  readonly #db: Level
  readonly #directory: string
  readonly #makeRoom: MakeRoom
  /** Writes go one after the other, so that none is under way behind one that fails. */
  #last: Promise<unknown> = Promise.resolve()
  #failure: StorageError | undefined
  /** Reads wait while the database is closed and opened again. */
  #opening: Promise<void> = Promise.resolve()

  private constructor(db: Level, directory: string, makeRoom: MakeRoom) {
    this.#db = db
    this.#directory = directory
    this.#makeRoom = makeRoom
  }

  /**
   * @param makeRoom called when there is not enough room to open it, or to write what is to be written
   * @throws DataDirectoryInUseError when another process has it open; DamagedDatabaseError; StorageError
   */
  static async open(directory: string, makeRoom = NO_ROOM): Promise<StateDb> {
    await refuseHeadless(directory)
    const db: Level = new ClassicLevel(directory, OPTIONS)
    await hasRoom(dirname(directory), makeRoom).catch((error: unknown) => {
      if (!isNotFound(error)) throw error // it is made below
    }) // if there is none, perhaps it needs less
    try {
      await db.open()
    } catch (error) {
      const cause = (error as { cause?: { code?: string } }).cause
      if (cause?.code === 'LEVEL_LOCKED') {
        throw new DataDirectoryInUseError(`${directory} is in use by another process`, {
          cause: error,
        })
      }
      const text = cause instanceof Error ? cause.message : ''
      if (DAMAGE.test(text)) throw new DamagedDatabaseError(directory, text, { cause: error })
      throw storageError(`the state database in ${directory} cannot be opened`, error)
    }
    return new StateDb(db, directory, makeRoom)
  }

  /** Why nothing is written any more until a restart, or nothing is even read; `undefined` while that is not so. */
  get failure(): StorageError | undefined {
    return this.#failure?.passes === false || this.#isClosed ? this.#failure : undefined
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    await this.#opened()
    try {
      return await this.#db.get(key)
    } catch (error) {
      throw this.#unreadable(error)
    }
  }

  /**
   * Writes everything or nothing, and returns when it is safe on disk. After a failure nobody knows which of the two it
   * was until {@link recover} has resolved.
   *
   * @throws StorageError
   */
  write(writes: readonly StateWrite[]): Promise<void> {
    if (writes.length === 0) return Promise.resolve()
    return this.#alone(async () => {
      await this.#recover()
      try {
        await this.#write(writes)
      } catch (error) {
        if (this.#failure === undefined || !isFull(this.#failure)) throw error
        // Room is made, and the same written once more: whether the first has come through makes no difference.
        await this.#recover()
        await this.#write(writes)
      }
    })
  }

  async #write(writes: readonly StateWrite[]): Promise<void> {
    try {
      await (writes.length > IN_A_ROW ? this.#writeMany(writes) : this.#writeFew(writes))
    } catch (error) {
      this.#failure = storageError('the state database could not be written', error)
      throw this.#failure
    }
  }

  #writeFew(writes: readonly StateWrite[]): Promise<void> {
    const batch = writes.map(({ key, value }) =>
      value === undefined ? { type: 'del' as const, key } : { type: 'put' as const, key, value },
    )
    return this.#db.batch(batch, { sync: true })
  }

  /** The same, handed over in turns: hundreds of thousands in one go hold the event loop for a second. */
  async #writeMany(writes: readonly StateWrite[]): Promise<void> {
    const batch = this.#db.batch()
    let added = 0
    for (const { key, value } of writes) {
      if (value === undefined) batch.del(key)
      else batch.put(key, value)
      if (++added % IN_A_ROW === 0) await setImmediate()
    }
    await batch.write({ sync: true })
  }

  /**
   * Makes the database fit for writing again after a failure; what it then holds is what will be there after any crash.
   *
   * @throws StorageError while there is no room, or when the disk is not to be trusted any more
   */
  recover(): Promise<void> {
    return this.#alone(() => this.#recover())
  }

  async #recover(): Promise<void> {
    if (this.#failure === undefined) return
    if (!this.#failure.passes) throw this.#failure
    // Reads go on as long as it stays open, so it is not closed before opening it has a good chance.
    if (!(await hasRoom(this.#directory, this.#makeRoom))) throw this.#failure
    const opening = this.#db.close().then(() => this.#db.open())
    this.#opening = opening.catch(() => undefined) // reads then meet the closed database, and say so themselves
    try {
      await opening
    } catch (error) {
      this.#failure = storageError('the state database could not be opened again', error)
      throw this.#failure
    }
    this.#failure = undefined
  }

  get #isClosed(): boolean {
    return this.#failure !== undefined && this.#db.status === 'closed'
  }

  /** Reads wait while it is closed and opened again. When that failed, whoever comes next tries it. */
  async #opened(): Promise<void> {
    await this.#opening
    if (!this.#isClosed) return
    try {
      await this.recover()
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      // Whoever reads asks for no room.
      const message = `the state database is closed: ${error.message}`
      throw new StorageError(message, 'EBUSY', true, { cause: error })
    }
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => undefined) // its caller has the error
    return result
  }

  /**
   * Entries whose key begins with `prefix`, in key order or against it.
   *
   * @param options `before`: only keys before this one; `after`: only those after this one
   */
  async *entries(
    prefix: Uint8Array,
    options: { reverse?: boolean; limit?: number; before?: Uint8Array; after?: Uint8Array } = {},
  ): AsyncGenerator<[Uint8Array, Uint8Array]> {
    await this.#opened()
    const limits = options.limit === undefined ? {} : { limit: options.limit }
    const { gte, lt } = range(prefix)
    const start = options.after === undefined ? { gte } : { gt: options.after }
    const bounds = { ...start, lt: options.before ?? lt }
    try {
      yield* this.#db.iterator({ ...bounds, ...limits, reverse: options.reverse ?? false })
    } catch (error) {
      throw this.#unreadable(error)
    }
  }

  /** Reads everything that is in it. @throws DamagedDatabaseError when that cannot be done */
  async readThrough({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    try {
      for await (const _ of this.#db.iterator()) signal?.throwIfAborted()
    } catch (error) {
      signal?.throwIfAborted()
      throw this.#unreadable(error)
    }
  }

  /** Opening it reads no table, so of some damage this is the first word. */
  #unreadable(error: unknown): StorageError {
    const text = error instanceof Error ? error.message : String(error)
    return DAMAGE.test(text)
      ? new DamagedDatabaseError(this.#directory, text, { cause: error })
      : storageError('the state database could not be read', error)
  }

  /** Keys that begin with `prefix`, in order. @param options `after`: only those after this one */
  async keys(
    prefix: Uint8Array,
    { after, limit }: { after: Uint8Array | undefined; limit: number },
  ): Promise<Uint8Array[]> {
    await this.#opened()
    const { gte, lt } = range(prefix)
    const start = after === undefined ? { gte } : { gt: after }
    try {
      return await this.#db.keys({ ...start, lt, limit }).all()
    } catch (error) {
      throw this.#unreadable(error)
    }
  }

  /** A map of its own for one user. `name` must not hold a slash. */
  map(name: string): DurableMap {
    const space = `m/${name}/`
    return {
      get: (key) => this.get(Buffer.from(space + key)),
      put: (key, value) => this.write([{ key: Buffer.from(space + key), value }]),
      putAll: (entries) =>
        this.write([...entries].map(([key, value]) => ({ key: Buffer.from(space + key), value }))),
      delete: (key) => this.write([{ key: Buffer.from(space + key), value: undefined }]),
      entries: (prefix = '') => this.#mapEntries(space, prefix),
    }
  }

  async *#mapEntries(space: string, prefix: string): AsyncGenerator<[string, Uint8Array]> {
    for await (const [key, value] of this.entries(Buffer.from(space + prefix))) {
      yield [Buffer.from(key).toString('utf8').slice(space.length), value]
    }
  }

  async close(): Promise<void> {
    await this.#last
    await this.#db.close()
  }
}

/** Whether the disk has the room that opening a database takes, perhaps after room was made. */
async function hasRoom(directory: string, makeRoom: MakeRoom): Promise<boolean> {
  return (await isRoomy(directory)) || ((await makeRoom()) && (await isRoomy(directory)))
}

async function isRoomy(directory: string): Promise<boolean> {
  const { free, total, freeFiles } = await diskSpace(directory)
  return free >= Math.min(ROOM_TO_OPEN, total / 12) && freeFiles >= FILES_TO_OPEN
}

/** What LevelDB says when its own files are not what they should be, or some of them are gone. */
const DAMAGE =
  /corrupt|does not end with newline|missing files|no such file|does not exist|bad record|mismatch|\.ldb: Invalid argument/i

/**
 * LevelDB takes a directory without `CURRENT` for a new one, and then removes every table in it.
 *
 * @throws DamagedDatabaseError
 */
async function refuseHeadless(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: unknown): string[] => {
    if (isNotFound(error)) return []
    throw error
  })
  if (names.includes('CURRENT') || !names.some((name) => /\.(ldb|log)$/.test(name))) return
  throw new DamagedDatabaseError(directory, 'its CURRENT is gone')
}

/** All keys that begin with the prefix: from it, up to the same prefix with its last byte one higher. */
function range(prefix: Uint8Array): { gte: Uint8Array; lt: Uint8Array } {
  const end = Uint8Array.from(prefix)
  end[end.length - 1] = (end.at(-1) ?? 0) + 1
  return { gte: prefix, lt: end }
}
