import { RegistryError } from '../oci/errors.ts'
import { KeyError } from '../ipfs/errors.ts'
import { RollbackBounds } from './rollback-bounds.ts'
import { toldCheck } from './told-check.ts'
import { told } from './told.ts'
import { toldCollection } from './told-collection.ts'
import { toldRollback } from './told-rollback.ts'
import { exportTrees } from '../tree/export.ts'
import type {
  CommitInfo,
  Control,
  ExportProgress,
  KeyInfo,
  TakenOver,
} from '../api/control-face.ts'
import type { Keys } from '../ipfs/keys.ts'
import type { Publisher } from '../naming/publisher.ts'
import type { Abortable, StandingRules } from '../registry/ports.ts'
import type { Checker } from './checker.ts'
import type { Collector } from './collector.ts'
import type { Replication } from './replication.ts'
import type { Storage } from './storage.ts'
import type { ExportedTree } from '../tree/export.ts'

/** What the commands of `heliport` do in a running daemon. */
export class DaemonControl implements Control {
  readonly #keys: Keys
  readonly #trees: () => ExportedTree[]
  readonly #storage: Pick<Storage, 'history' | 'lane' | 'blocks' | 'opened'>
  readonly #publisher: Publisher | undefined
  readonly #collector: Collector
  readonly #checker: Checker
  readonly #replication: Pick<Replication, 'doubt'>
  readonly #rules: StandingRules

  /** @param parts `trees`: our own tree and the mirrors', in the order in which they are served */
  constructor(parts: {
    keys: Keys
    trees: () => ExportedTree[]
    storage: Pick<Storage, 'history' | 'lane' | 'blocks' | 'opened'>
    publisher: Publisher | undefined
    collector: Collector
    checker: Checker
    replication: Pick<Replication, 'doubt'>
    rules: StandingRules
  }) {
    this.#keys = parts.keys
    this.#trees = parts.trees
    this.#storage = parts.storage
    this.#publisher = parts.publisher
    this.#collector = parts.collector
    this.#checker = parts.checker
    this.#replication = parts.replication
    this.#rules = parts.rules
  }

  async listKeys(): Promise<KeyInfo[]> {
    const keys = await this.#keys.list()
    return keys.map(({ name, ipnsName }) => ({ name, id: ipnsName }))
  }

  exportKey(name: string): Promise<Uint8Array> {
    return explained(() => this.#keys.export(name))
  }

  importKey(name: string, key: Uint8Array, { replace }: { replace: boolean }): Promise<KeyInfo> {
    return explained(async () => {
      const { ipnsName } = await this.#keys.import(name, key, { replace })
      return { name, id: ipnsName }
    })
  }

  takeOver(): Promise<TakenOver> {
    const above = this.#publisher?.takeOver()
    if (this.#publisher !== undefined && above !== undefined)
      return Promise.resolve({ id: this.#publisher.name.text, above: above.toString() })
    const message =
      this.#publisher === undefined
        ? 'this node publishes nothing (ipns.writeKey is null)'
        : 'no other writer was met under this key, so there is nothing to take over'
    return Promise.reject(new RegistryError('DENIED', { message }))
  }

  async commits(page: { limit: number; before?: number | undefined }): Promise<CommitInfo[]> {
    const commits = await Array.fromAsync(this.#storage.history.commits(page))
    return commits.map(({ sequence, time, public: root, private: hidden, changes }) => ({
      sequence,
      time: new Date(time).toISOString(),
      root: root.toString(),
      ...(hidden === undefined ? {} : { privateRoot: hidden.toString() }),
      changes,
    }))
  }

  diff(from: string, to: string, options?: Abortable): AsyncIterable<object> {
    return this.#storage.history.diff(from, to, options)
  }

  collect(options: Abortable & { dryRun: boolean; trustClock: boolean }): AsyncIterable<object> {
    return toldCollection(this.#collector, options)
  }

  check(options: Abortable & { repair: boolean; acceptLoss: boolean }): AsyncIterable<object> {
    return toldCheck(this.#checker, options)
  }

  async *rollback(
    root: string,
    { asClient, ...options }: Abortable & { dryRun: boolean; asClient: boolean },
  ): AsyncGenerator<object> {
    const parts = { ...this.#storage, isReadOnly: this.#publisher === undefined }
    using watch = asClient ? await parts.lane.watch(options) : undefined
    const bounds = watch && RollbackBounds.of({ ...parts, rules: this.#rules, watch })
    try {
      yield* toldRollback({ ...parts, bounds }, root, options)
    } finally {
      // Whether its client heard the end of it or not.
      if (!options.dryRun && parts.lane.roots.private !== undefined) this.#replication.doubt()
    }
  }

  async *exportTree(directory: string, { signal }: Abortable = {}): AsyncGenerator<ExportProgress> {
    const trees = this.#trees()
    using held = new DisposableStack() // it may take longer than the history is kept
    for (const { root } of trees) held.use(this.#storage.opened.hold(root))
    const progress = { files: 0, bytes: 0 }
    const work = (either: AbortSignal): AsyncIterable<ExportProgress> =>
      exportTrees(trees, directory, { signal: either, progress })
    for await (const { files, bytes } of told(work, () => progress, { signal }))
      yield { files, bytes }
  }
}

/** What the caller got wrong about a key is told; anything else is a fault of ours. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof KeyError)
      throw new RegistryError('DENIED', { message: error.message, cause: error })
    throw error
  }
}
