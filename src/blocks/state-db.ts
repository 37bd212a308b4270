import { ClassicLevel } from 'classic-level'
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

type Level = ClassicLevel<Uint8Array, Uint8Array>

/**
 * The node's small durable state: one LevelDB for small blocks, the journal, and the maps of the other rooms.
 * They are together because a commit writes blocks, journal entry and root in ONE synced batch (DESIGN §3).
 * LevelDB's own lock file makes it the lock of the whole data directory, so it is opened before anything else.
 */
export class StateDb {
  readonly #db: Level

  private constructor(db: Level) {
    this.#db = db
  }

  /** @throws DataDirectoryInUseError when another process has it open */
  static async open(directory: string): Promise<StateDb> {
    const db: Level = new ClassicLevel(directory, { keyEncoding: 'view', valueEncoding: 'view' })
    try {
      await db.open()
    } catch (error) {
      const cause = (error as { cause?: { code?: string } }).cause
      if (cause?.code === 'LEVEL_LOCKED') {
        throw new DataDirectoryInUseError(`${directory} is in use by another process`, {
          cause: error,
        })
      }
      throw new Error(`the state database in ${directory} cannot be opened: ${reason(error)}`, {
        cause: error,
      })
    }
    return new StateDb(db)
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#db.get(key)
  }

  /** Writes everything or nothing, and returns when it is safe on disk. */
  async write(writes: readonly StateWrite[]): Promise<void> {
    if (writes.length === 0) return
    const batch = writes.map(({ key, value }) =>
      value === undefined ? { type: 'del' as const, key } : { type: 'put' as const, key, value },
    )
    await this.#db.batch(batch, { sync: true })
  }

  /** Entries whose key begins with `prefix`, in key order or against it. */
  async *entries(
    prefix: Uint8Array,
    options: { reverse?: boolean; limit?: number } = {},
  ): AsyncGenerator<[Uint8Array, Uint8Array]> {
    const limits = options.limit === undefined ? {} : { limit: options.limit }
    yield* this.#db.iterator({ ...range(prefix), ...limits, reverse: options.reverse ?? false })
  }

  /** A map of its own for one user. `name` must not hold a slash. */
  map(name: string): DurableMap {
    const space = `m/${name}/`
    return {
      get: (key) => this.get(Buffer.from(space + key)),
      put: (key, value) => this.write([{ key: Buffer.from(space + key), value }]),
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
    await this.#db.close()
  }
}

/** All keys that begin with the prefix: from it, up to the same prefix with its last byte one higher. */
function range(prefix: Uint8Array): { gte: Uint8Array; lt: Uint8Array } {
  const end = Uint8Array.from(prefix)
  end[end.length - 1] = (end.at(-1) ?? 0) + 1
  return { gte: prefix, lt: end }
}

function reason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error ? cause.message : String(error)
}
