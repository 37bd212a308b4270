import { MINUTE, SECOND, backOff, within } from './clock.ts'
import type { CID } from 'multiformats/cid'
import type { Clock } from './clock.ts'
import type { Log } from './ports.ts'

/** One attempt at moving to a new root. Milliseconds. */
const ATTEMPT_TIMEOUT = 5 * MINUTE
/** How long an attempt may still go on once there is a newer root. Milliseconds. */
const SUPERSEDED_GRACE = 10 * SECOND
/** The attempt at the newest root, and one that was overtaken. */
const MAX_ATTEMPTS = 2
const MAX_PROVIDERS = 16

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

interface Attempt {
  readonly root: CID
  readonly abort: AbortController
  /** Whether it is to be given up soon, because there is a newer root. */
  isOvertaken: boolean
  /** When nothing of it goes on any more. */
  ended: Promise<void>
}

/**
 * Moves a mirror to the newest root that can be had, again and again.
 *
 * A newer root is tried at once, beside the attempt that it overtakes: that one may hang on a source that has died,
 * and it may also be about to arrive, which it must have a chance to while a source publishes every second.
 */
export class Advancer {
  readonly #advance: Advance
  readonly #clock: Clock
  readonly #log: Log
  readonly #stop = new AbortController()
  readonly #current: () => CID | undefined
  readonly #arrived: (target: Target) => Promise<void>
  readonly #attempts = new Set<Attempt>()
  #isStarted = false
  #target: Target | undefined
  /** The sequence that arrived last: an attempt that was overtaken may be late. */
  #reached = -1n
  #arrivals: Promise<void> = Promise.resolve()
  #failures = 0
  /** Ends the pause after a failure. */
  #pause = new AbortController()
  #error: string | undefined
  #failingSince: number | undefined

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
  }

  start(): void {
    this.#isStarted = true
    this.#begin()
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the node stops'))
    await Promise.all([...this.#attempts].map(({ ended }) => ended))
  }

  /** Makes this the root to move to. */
  aim(target: Target): void {
    this.#target = target
    this.#failures = 0
    for (const attempt of this.#attempts) this.#giveUpLater(attempt)
    this.#begin()
  }

  /** Tries again now: somebody who may have the blocks appeared. */
  retry(providers: readonly string[]): void {
    const target = this.#target
    if (target === undefined) return
    const all = new Set([...providers, ...target.providers])
    this.#target = { ...target, providers: [...all].slice(0, MAX_PROVIDERS) }
    this.#begin()
  }

  state(): Advancing {
    return { target: this.#target, error: this.#error, failingSince: this.#failingSince }
  }

  /** Begins an attempt at the target, if there is none already and there is room. */
  #begin(): void {
    const target = this.#target
    if (target === undefined || !this.#isStarted || this.#stop.signal.aborted) return
    const isTried = [...this.#attempts].some(({ root }) => root.equals(target.root))
    if (isTried || this.#attempts.size >= MAX_ATTEMPTS) return
    this.#pause.abort(new Error('it is tried again already'))
    const attempt: Attempt = {
      root: target.root,
      abort: new AbortController(),
      isOvertaken: false,
      ended: Promise.resolve(),
    }
    this.#attempts.add(attempt)
    attempt.ended = this.#try(attempt, target)
  }

  async #try(attempt: Attempt, target: Target): Promise<void> {
    const isThere = await this.#reach(attempt, target)
    this.#attempts.delete(attempt)
    attempt.abort.abort(new Error('the attempt is over'))
    // There may be a newer target that waited for room.
    if (isThere || attempt.isOvertaken) this.#begin()
    else this.#beginLater()
  }

  async #reach(attempt: Attempt, target: Target): Promise<boolean> {
    try {
      await this.#move(target, AbortSignal.any([this.#stop.signal, attempt.abort.signal]))
      if (this.#target?.sequence === target.sequence) this.#target = undefined
      this.#failures = 0
      this.#error = undefined
      this.#failingSince = undefined
      return true
    } catch (error) {
      // Whatever kept the blocks from us, the old root serves on and the next attempt may have more luck.
      if (this.#stop.signal.aborted || target.sequence <= this.#reached) return false
      this.#failingSince ??= this.#clock.now()
      this.#error = `the root ${target.root.toString()} cannot be had yet: ${messageOf(error)}`
      this.#log.debug(
        { root: target.root.toString(), err: error },
        'a mirror could not move to a new root',
      )
      return false
    }
  }

  async #move(target: Target, signal: AbortSignal): Promise<void> {
    const limit = { clock: this.#clock, milliseconds: ATTEMPT_TIMEOUT, signal }
    const { root, providers } = target
    let old: CID | undefined
    do {
      old = this.#current()
      const from = old
      await within(limit, (until) => this.#advance(root, from, { signal: until, providers }))
      // What is needed depends on the root that serves, and an older attempt may have changed that meanwhile.
    } while (this.#current() !== old)
    await this.#arrive(target)
  }

  /** One after the other, and never an older one after a newer one. */
  #arrive(target: Target): Promise<void> {
    const arrival = this.#arrivals.then(async () => {
      if (target.sequence < this.#reached) return
      await this.#arrived(target)
      this.#reached = target.sequence
    })
    this.#arrivals = arrival.catch(() => undefined) // the attempt has the error
    return arrival
  }

  #beginLater(): void {
    this.#failures++
    this.#pause = new AbortController()
    const signal = AbortSignal.any([this.#stop.signal, this.#pause.signal])
    this.#clock.sleep(backOff(this.#failures, 2 * SECOND, 5 * MINUTE), signal).then(
      () => this.#begin(),
      () => undefined, // stopping, or it was begun for another reason
    )
  }

  #giveUpLater(attempt: Attempt): void {
    if (attempt.isOvertaken) return
    attempt.isOvertaken = true
    this.#clock.sleep(SUPERSEDED_GRACE, attempt.abort.signal).then(
      () => attempt.abort.abort(new Error('there is a newer root')),
      () => undefined, // the attempt ended in time
    )
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
