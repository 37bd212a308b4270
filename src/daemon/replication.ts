import { KeptBlocks } from '../blocks/kept-blocks.ts'
import { systemClock } from '../naming/clock.ts'
import { loadDnsLinkState } from '../naming/dnslink-state.ts'
import { loadMirrorState, partOf } from '../naming/mirror-state.ts'
import { RepositorySet } from '../oci/repository-pattern.ts'
import { replicateTree } from '../tree/replicate.ts'
import { DiskRoom } from './disk-room.ts'
import { doubtReplicas } from './replica-state.ts'
import { Replicator } from './replicator.ts'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import type { Trust } from '../registry/trust.ts'
import type { CID } from 'multiformats/cid'
import type { DataDirectory } from './data-directory.ts'
import type { MirrorErrors } from './mirror-errors.ts'
import type { OpenMirror } from './mirrors.ts'
import type { ReplicationStatus } from './replicator.ts'
import type { Storage } from './storage.ts'

/** What replication works with. */
export interface ReplicationParts {
  readonly config: Config
  readonly directory: DataDirectory
  readonly storage: Storage
  readonly mirrors: readonly OpenMirror[]
  readonly trust: Trust
  readonly mirrorErrors: Pick<MirrorErrors, 'note'>
  readonly log: Logger
}

/** Parts of one tree that are not what they claim, of which the log tells; the status has their number. */
const TOLD = 10

const LAZY: ReplicationStatus = {
  mode: 'lazy',
  state: 'idle',
  root: undefined,
  blobsDone: 0,
  blobsTotal: 0,
  bytesDone: 0,
  bytesTotal: 0,
  completeRoot: undefined,
  completedAt: undefined,
  error: undefined,
}

/** The whole copies of those mirrors that are to be `full`. */
export class Replication implements AsyncDisposable {
  readonly #replicators: ReadonlyMap<string, Replicator>

  private constructor(full: readonly OpenMirror[], parts: ReplicationParts) {
    const room = DiskRoom.at(parts.directory.path)
    this.#replicators = new Map(
      full.map((mirror) => {
        const replicator = replicatorOf(mirror, room, parts)
        mirror.onMoved(() => replicator.moved())
        replicator.start()
        return [mirror.entry.text, replicator]
      }),
    )
  }

  /** Begins at once. */
  static async start(parts: ReplicationParts): Promise<Replication> {
    const full = parts.mirrors.filter(({ entry }) => entry.replicate === 'full')
    const kept = new Set(full.map(({ entry }) => entry.text))
    await doubtReplicas(parts.storage.state.map('replicas'), kept)
    return new Replication(full, parts)
  }

  /** @param mirror its name, as in the status */
  of(mirror: string): ReplicationStatus {
    return this.#replicators.get(mirror)?.status() ?? LAZY
  }

  /** Roots of a mirror whose blocks are to stay as a whole; `undefined` when it is lazy. */
  roots(mirror: string): Promise<CID[]> | undefined {
    return this.#replicators.get(mirror)?.roots()
  }

  /** Blocks were taken from peers, which mirrors may have too: those must be fetched, to be passed on again. */
  doubt(): void {
    for (const replicator of this.#replicators.values()) replicator.doubt()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#replicators.values()].map((replicator) => replicator.stop()))
  }
}

function replicatorOf(
  { entry, follower, fetch, onKept }: OpenMirror,
  room: DiskRoom,
  { config, storage, trust, mirrorErrors, log }: ReplicationParts,
): Replicator {
  const repositories = new RepositorySet(entry.repositories)
  const blocks = new KeptBlocks({
    store: storage.blocks,
    fetch,
    onKept,
    makeRoom: () => room.make(),
  })
  return new Replicator({
    mirror: entry.text,
    root: () => follower.root(),
    repositories,
    replicate: async (trees, progress, options) => {
      let told = 0
      const onFalse = (error: Error): void => {
        if (told++ < TOLD) mirrorErrors.note(entry.text, error)
      }
      const before = storage.directories
      const blobLimit = config.limits.blob
      const parts = { blocks, before, claims: trust, repositories, blobLimit, onFalse }
      await replicateTree(parts, trees, progress, options)
      await storage.blocks.sync() // what is called complete must outlive the power
    },
    keyOf: (root) => keyOf(entry, root, storage),
    state: storage.state.map('replicas'),
    log: log.child({ room: 'replication' }),
    clock: systemClock,
  })
}

/** Of a domain: the name that it stands for, or that before, if that is where the root came from. */
async function keyOf(
  { kind, text }: OpenMirror['entry'],
  root: CID,
  { state }: Storage,
): Promise<string | undefined> {
  if (kind === 'key') return text
  const known = await loadDnsLinkState(state.map('dnslink'), text)
  for (const key of [known?.name, known?.before?.name]) {
    if (key === undefined) continue
    const { current } = await loadMirrorState(partOf(state.map('mirrors'), text), key)
    if (current?.root.equals(root) === true) return key
  }
  return undefined
}
