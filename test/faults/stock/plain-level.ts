import { ClassicLevel } from 'classic-level'
import { storageError } from '../../../src/blocks/storage-error.ts'
import type { DurableMap } from '../../../src/registry/ports.ts'
import type { StateDb as OurStateDb, StateWrite } from '../../../src/blocks/state-db.ts'

export { DataDirectoryInUseError } from '../../../src/blocks/state-db.ts'

type Face = Pick<OurStateDb, keyof OurStateDb>

/** LevelDB with synced batches in the place of our state database: after a write that failed, it simply goes on. */
export class StateDb implements Face {
  readonly failure = undefined
  readonly #db: ClassicLevel<Uint8Array, Uint8Array>

  private constructor(db: ClassicLevel<Uint8Array, Uint8Array>) {
    this.#db = db
  }

  static async open(directory: string): Promise<StateDb> {
    const db = new ClassicLevel<Uint8Array, Uint8Array>(directory, {
      keyEncoding: 'view',
      valueEncoding: 'view',
    })
    await db.open()
    return new StateDb(db)
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#db.get(key)
  }

  async write(writes: readonly StateWrite[]): Promise<void> {
    const batch = writes.map(({ key, value }) =>
      value === undefined ? { type: 'del' as const, key } : { type: 'put' as const, key, value },
    )
    try {
      await this.#db.batch(batch, { sync: true })
    } catch (error) {
      throw storageError('LevelDB could not be written', error) // so that answers tell the reason
    }
  }

  recover(): Promise<void> {
    return Promise.resolve()
  }

  async *entries(
    prefix: Uint8Array,
    options: Parameters<OurStateDb['entries']>[1] = {},
  ): AsyncGenerator<[Uint8Array, Uint8Array]> {
    const { reverse = false, limit = -1, before, after } = options
    const { gte, lt } = range(prefix)
    const start = after === undefined ? { gte } : { gt: after }
    yield* this.#db.iterator({ ...start, lt: before ?? lt, limit, reverse })
  }

  async keys(
    prefix: Uint8Array,
    { after, limit }: Parameters<OurStateDb['keys']>[1],
  ): Promise<Uint8Array[]> {
    const { gte, lt } = range(prefix)
    const start = after === undefined ? { gte } : { gt: after }
    return this.#db.keys({ ...start, lt, limit }).all()
  }

  async readThrough(): Promise<void> {
    for await (const _ of this.#db.iterator()) void _
  }

  map(name: string): DurableMap {
    const space = `m/${name}/`
    const keyOf = (key: string): Uint8Array => Buffer.from(space + key)
    const entries = (prefix = ''): AsyncGenerator<[Uint8Array, Uint8Array]> =>
      this.entries(keyOf(prefix))
    return {
      get: (key) => this.get(keyOf(key)),
      put: (key, value) => this.write([{ key: keyOf(key), value }]),
      putAll: (all) => this.write([...all].map(([key, value]) => ({ key: keyOf(key), value }))),
      delete: (key) => this.write([{ key: keyOf(key), value: undefined }]),
      async *entries(prefix) {
        for await (const [key, value] of entries(prefix))
          yield [Buffer.from(key).toString().slice(space.length), value]
      },
    }
  }

  close(): Promise<void> {
    return this.#db.close()
  }
}

function range(prefix: Uint8Array): { gte: Uint8Array; lt: Uint8Array } {
  const end = Uint8Array.from(prefix)
  end[end.length - 1] = (end.at(-1) ?? 0) + 1
  return { gte: prefix, lt: end }
}
