import { MINUTE, SECOND, backOff } from './clock.ts'
import { Waker } from './waker.ts'
import type { CID } from 'multiformats/cid'
import type { Clock } from './clock.ts'
import type { Log } from './ports.ts'

/** One attempt at moving to a new root. Milliseconds. */
const ATTEMPT_TIMEOUT = 5 * MINUTE
/** How long an attempt may still go on once there is a newer root. Milliseconds. */
const SUPERSEDED_GRACE = 10 * SECOND

/** A root to move to. */
export interface Target {
  readonly root: CID
  readonly sequence: bigint
  /** Peer ids that are likely to have it. */
  readonly providers: readonly string[]
}

/** Fetches what is needed before a root can take the place of another. @throws when it cannot be had now */
export type Advance = (
  newRoot: CID,
  oldRoot: CID | undefined,
  options: { signal: AbortSignal; providers: readonly string[] },
) => Promise<void>

/** What became of the last attempt. */
export interface Advancing {
  readonly target: Target | undefined
  readonly error: string | undefined
  /** When the first attempt failed since the last that did not, in ms since the epoch. */
  readonly failingSince: number | undefined
}

/**
 * Moves a mirror to the newest root that can be had: one attempt at a time, again and again, always at the newest.
 * An attempt that is overtaken may still finish, for a little while: a source that publishes every second would
 * otherwise keep its mirrors from ever arriving.
 */
export class Advancer {
  readonly #advance: Advance
  readonly #clock: Clock
  readonly #log: Log
  readonly #waker: Waker
  readonly #stop = new AbortController()
  readonly #current: () => CID | undefined
  readonly #arrived: (target: Target) => Promise<void>
  #running: Promise<void> | undefined
  #target: Target | undefined
  #error: string | undefined
  #failingSince: number | undefined
  /** Tells a running attempt that there is a newer target. */
  #overtaken: (() => void) | undefined

  constructor(components: {
    advance: Advance
    /** The root now. */
    current: () => CID | undefined
    /** Called when a target can take its place; it stands until this resolves. */
    arrived: (target: Target) => Promise<void>
    clock: Clock
    log: Log
  }) {
    this.#advance = components.advance
    this.#current = components.current
    this.#arrived = components.arrived
    this.#clock = components.clock
    this.#log = components.log
    this.#waker = new Waker(components.clock)
  }

  start(): void {
    this.#running ??= this.#run(this.#stop.signal)
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the node stops'))
    await this.#running
  }

  /** Makes this the root to move to. */
  aim(target: Target): void {
    this.#target = target
    this.#overtaken?.()
    this.#waker.wake()
  }

  /** Tries again soon: somebody who may have the blocks appeared. */
  retry(providers: readonly string[]): void {
    const target = this.#target
    if (target === undefined) return
    const all = new Set([...providers, ...target.providers])
    this.#target = { ...target, providers: [...all].slice(0, 16) }
    if (this.#overtaken === undefined) this.#waker.wake()
  }

  state(): Advancing {
    return { target: this.#target, error: this.#error, failingSince: this.#failingSince }
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      failures = (await this.#attempt(signal)) ? 0 : failures + 1
      const due = failures === 0 ? 5 * MINUTE : backOff(failures, 2 * SECOND, 5 * MINUTE)
      await this.#waker.sleep(due, signal).catch(() => undefined) // stopping: the loop ends
    }
  }

  async #attempt(signal: AbortSignal): Promise<boolean> {
    const target = this.#target
    if (target === undefined) return true
    const timer = new AbortController()
    const overtaken = new AbortController()
    this.#overtaken = () => this.#giveUpLater(overtaken, timer.signal)
    try {
      const deadline = AbortSignal.any([
        signal,
        AbortSignal.timeout(ATTEMPT_TIMEOUT),
        overtaken.signal,
      ])
      await unlessAborted(
        this.#advance(target.root, this.#current(), {
          signal: deadline,
          providers: target.providers,
        }),
        deadline,
      )
      await this.#arrived(target)
      if (this.#target?.root.equals(target.root) === true) this.#target = undefined
      this.#error = undefined
      this.#failingSince = undefined
      return true
    } catch (error) {
      // Whatever kept the blocks from us, the old root serves on and the next attempt may have more luck.
      if (signal.aborted) return false
      this.#failingSince ??= this.#clock.now()
      this.#error = `the root ${target.root.toString()} cannot be had yet: ${messageOf(error)}`
      this.#log.debug(
        { root: target.root.toString(), err: error },
        'a mirror could not move to a new root',
      )
      return overtaken.signal.aborted
    } finally {
      this.#overtaken = undefined
      timer.abort(new Error('the attempt is over'))
    }
  }

  #giveUpLater(overtaken: AbortController, over: AbortSignal): void {
    this.#clock.sleep(SUPERSEDED_GRACE, over).then(
      () => overtaken.abort(new Error('there is a newer root')),
      () => undefined, // the attempt ended in time
    )
  }
}

/** The result of a call, or the signal's reason as soon as it aborts, even if the call does not listen to it. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  return Promise.race([promise, aborted]).finally(() =>
    signal.removeEventListener('abort', onAbort),
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
