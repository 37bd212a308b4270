import { MINUTE, SECOND, backOff } from '../naming/clock.ts'
import { Waker } from '../naming/waker.ts'
import { ReplicationError } from '../tree/replica-problems.ts'
import { loadReplica, saveReplica } from './replica-state.ts'
import type { Clock } from '../naming/clock.ts'
import type { Log } from '../naming/ports.ts'
import type { DurableMap } from '../registry/ports.ts'
import type { ReplicaProgress } from '../tree/replicate.ts'
import type { CID } from 'multiformats/cid'
import type { Replica } from './replica-state.ts'

/** How long a run may go on once there is a newer root; twice as long each time that happens in a row. Milliseconds. */
const GRACE = 10 * SECOND
const LONGEST_GRACE = 60 * MINUTE

/** After failures. Milliseconds. */
const FIRST_PAUSE = 2 * SECOND
const LONGEST_PAUSE = MINUTE

/** Nothing is to be done until the root moves. Milliseconds. */
const NOTHING = 60 * MINUTE

/** How the replication of a mirror stands, for the status. */
export interface ReplicationStatus extends ReplicaProgress {
  readonly mode: 'lazy' | 'full'
  /** `idle`: nothing to do, or nothing known to do; `error`: the last run failed, and the next one is waited for. */
  readonly state: 'idle' | 'running' | 'complete' | 'error'
  /** The root that is worked on, or was last. */
  readonly root: string | undefined
  readonly completeRoot: string | undefined
  /** Milliseconds since the epoch. */
  readonly completedAt: number | undefined
  readonly error: string | undefined
}

/** What a {@link Replicator} is made of. */
export interface ReplicatorComponents {
  /** The mirror's, as in the status. */
  readonly mirror: string
  /** The root that serves now. */
  readonly root: () => CID | undefined
  /** The text of the repositories that are wanted, and whether they are all. */
  readonly repositories: { readonly text: string; readonly isAll: boolean }
  /** Brings a tree here, and makes it safe on disk. */
  readonly replicate: (
    trees: { root: CID; before: CID | undefined },
    progress: ReplicaProgress,
    options: { signal: AbortSignal },
  ) => Promise<void>
  /** The IPNS name whose tree a root is. */
  readonly keyOf: (root: CID) => Promise<string | undefined>
  readonly state: DurableMap
  readonly log: Log
  readonly clock: Clock
}

/**
 * Keeps a whole copy of a mirror's tree: brings whatever is missing under the root that serves, again and again, always
 * under the newest. A run that is overtaken by a newer root may go on for a while, because most of what it fetches is
 * needed for that one too, and a source that publishes all the time must not keep it from ever being complete.
 */
export class Replicator {
  readonly #components: ReplicatorComponents
  readonly #waker: Waker
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #replica: Replica | undefined
  readonly #progress: ReplicaProgress = { blobsDone: 0, blobsTotal: 0, bytesDone: 0, bytesTotal: 0 }
  #state: ReplicationStatus['state'] = 'idle'
  /** The root of the run that is under way, or was last. */
  #root: CID | undefined
  #error: string | undefined
  /** A root that can never be complete. */
  #hopeless: CID | undefined
  /** Runs in a row that were given up for a newer root. */
  #overtaken = 0
  #giveUp: (() => void) | undefined
  #isDoubtful = false

  constructor(components: ReplicatorComponents) {
    this.#components = components
    this.#waker = new Waker(components.clock)
  }

  start(): void {
    this.#running ??= this.#run(this.#stop.signal)
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the node stops'))
    await this.#running
  }

  /** The mirror moved to another root. */
  moved(): void {
    this.#giveUp?.()
    this.#waker.wake()
  }

  /** Something of what was complete may not count as here any more: all of it is looked through again. */
  doubt(): void {
    this.#isDoubtful = true
    this.#waker.wake()
  }

  /** Roots whose blocks are to stay: what is complete, and what is worked on. */
  async roots(): Promise<CID[]> {
    const { state, mirror } = this.#components
    this.#replica ??= await loadReplica(state, mirror)
    return [this.#replica?.root, this.#root].filter((root) => root !== undefined)
  }

  status(): ReplicationStatus {
    return {
      mode: 'full',
      state: this.#state,
      root: (this.#root ?? this.#replica?.root)?.toString(),
      ...this.#progress,
      completeRoot: this.#replica?.root.toString(),
      completedAt: this.#replica?.completedAt,
      error: this.#error,
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      let due: number
      try {
        due = await this.#round(signal)
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        // Whatever it was (the source, the disk), what has come is kept, and the next run may have more luck.
        due = backOff(++failures, FIRST_PAUSE, LONGEST_PAUSE)
        this.#fail(error, `replication is not complete, next try in ${due / SECOND} s`)
      }
      await this.#waker.sleep(due, signal).catch(() => undefined) // stopping: the loop ends
    }
  }

  /** Does what is to be done now; returns the milliseconds until there may be something again. */
  async #round(signal: AbortSignal): Promise<number> {
    const { state, mirror } = this.#components
    if (this.#isDoubtful) {
      this.#isDoubtful = false
      this.#replica = undefined
      await state.delete(mirror)
    }
    this.#replica ??= await loadReplica(state, mirror)
    const root = this.#components.root()
    if (root === undefined || this.#hopeless?.equals(root) === true) return NOTHING
    if (!this.#covers() || this.#replica?.root.equals(root) !== true)
      return this.#attempt(root, signal)
    if (this.#root === undefined) Object.assign(this.#progress, this.#replica.progress)
    this.#state = 'complete'
    this.#error = undefined
    return NOTHING
  }

  async #attempt(root: CID, signal: AbortSignal): Promise<number> {
    const overtaken = new AbortController()
    const ended = new AbortController()
    this.#giveUp = () => this.#giveUpLater(root, overtaken, ended.signal)
    try {
      await this.#replicate(root, AbortSignal.any([signal, overtaken.signal]))
      this.#overtaken = 0
      return 0
    } catch (error) {
      signal.throwIfAborted()
      if (overtaken.signal.aborted) {
        this.#overtaken++
        return 0
      }
      if (!(error instanceof ReplicationError && error.isFinal)) throw error
      this.#hopeless = root
      this.#fail(error, 'replication cannot be complete until the mirror has another root')
      return NOTHING
    } finally {
      this.#giveUp = undefined
      ended.abort(new Error('the run is over'))
    }
  }

  async #replicate(root: CID, signal: AbortSignal): Promise<void> {
    const { mirror, repositories, state, log, clock } = this.#components
    const before = this.#covers() ? this.#replica?.root : undefined
    const startedAt = clock.now()
    this.#root = root
    this.#state = 'running'
    this.#error = undefined
    const details = { mirror, root: root.toString() }
    log.info({ ...details, before: before?.toString() }, 'replication started')
    await this.#components.replicate({ root, before }, this.#progress, { signal })
    const completedAt = clock.now()
    const replica = {
      root,
      repositories: repositories.text,
      isWhole: repositories.isAll,
      key: await this.#components.keyOf(root),
      completedAt,
      progress: { ...this.#progress },
    }
    await saveReplica(state, mirror, replica)
    this.#replica = replica
    this.#state = 'complete'
    const { blobsDone: blobs, bytesDone: bytes } = this.#progress
    log.info({ ...details, blobs, bytes, ms: completedAt - startedAt }, 'replication complete')
  }

  /** Whether what is complete has all that is wanted. */
  #covers(): boolean {
    const replica = this.#replica
    if (replica === undefined) return false
    return replica.isWhole || replica.repositories === this.#components.repositories.text
  }

  #giveUpLater(root: CID, overtaken: AbortController, ended: AbortSignal): void {
    if (this.#components.root()?.equals(root) === true) return
    this.#giveUp = undefined // once is enough
    const grace = Math.min(GRACE * 2 ** this.#overtaken, LONGEST_GRACE)
    this.#components.clock.sleep(grace, ended).then(
      () => overtaken.abort(new Error('there is a newer root')),
      () => undefined, // the run ended in time
    )
  }

  #fail(error: unknown, what: string): void {
    this.#state = 'error'
    this.#error = error instanceof Error ? error.message : String(error)
    this.#components.log.warn(
      { mirror: this.#components.mirror, root: this.#root?.toString(), err: error },
      what,
    )
  }
}
