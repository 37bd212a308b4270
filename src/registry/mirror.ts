import { ALL_REPOSITORIES } from '../oci/repository-pattern.ts'
import { Recent } from './recent.ts'
import type { Repositories } from '../oci/repository-pattern.ts'
import type { Abortable, RegistryReader, RegistrySource } from './ports.ts'
import type { SignatureGate } from './signatures/gate.ts'

/** How long something is taken for unsigned without another look, in ms. */
const UNSIGNED_MS = 60_000

/** A mirror, and what its operator has decided about it. */
export interface MirrorSource extends RegistrySource {
  /** The repositories that exist through it; all when it is absent. */
  readonly repositories?: Repositories
  /** How long its tags and listings are heard while it is stale, in ms; for ever when it is absent. */
  readonly maxStale?: number | undefined
  /** Longest wait for one answer, in ms, in place of everybody's. */
  readonly deadline?: number
  /** Only what passes this exists through it; everything when it is absent. */
  readonly signedBy?: SignatureGate | undefined
  /** Calls back whenever it has moved to a newer root. */
  onMoved?(listener: () => void): void
}

/** Told when a mirror failed and was passed over. Must not throw. */
export type MirrorErrorHandler = (mirror: string, error: unknown) => void

/** A mirror that did not answer in time. */
export class MirrorDeadlineError extends Error {
  static override readonly name = 'MirrorDeadlineError'
  override readonly name = 'MirrorDeadlineError'

  constructor(mirror: string, ms: number) {
    super(`mirror ${mirror} did not answer within ${ms} ms`)
  }
}

/** How patient we are with mirrors. */
export interface MirrorPatience {
  /** Longest wait for one answer, in ms. */
  deadline: number
  /** How long a mirror that missed its deadline is asked hastily, in ms. */
  pause: number
  /** Longest wait for one answer then, in ms: time to read our own disk, and none for the network. */
  haste: number
  /** The clock, in ms. */
  now: () => number
  onMirrorError: MirrorErrorHandler
}

/**
 * A mirror that is asked with a deadline of its own, so that it never holds a pull: what fails is reported and passed
 * over. After a missed deadline it is given only an instant for a while, which is enough for what is on this disk; then
 * one question goes through to try it, and the others stay hasty until that one was answered. A mirror that has moved
 * to a newer root was just reached, so it is tried at once: what was pushed after an outage must not be unknown.
 */
export class Mirror {
  readonly name: string
  readonly repositories: Repositories
  readonly signedBy: SignatureGate | undefined
  /** What was found unsigned under this root, lately. */
  readonly unsigned: Recent
  readonly #source: MirrorSource
  readonly #patience: MirrorPatience
  #pausedUntil: number | undefined
  #isTrying = false

  constructor(source: MirrorSource, patience: MirrorPatience) {
    this.name = source.name
    this.repositories = source.repositories ?? ALL_REPOSITORIES
    this.signedBy = source.signedBy
    this.unsigned = new Recent({ ttl: UNSIGNED_MS, now: patience.now })
    this.#source = source
    const deadline = source.deadline ?? patience.deadline
    this.#patience = { ...patience, deadline, haste: Math.min(patience.haste, deadline) }
    source.onMoved?.(() => {
      this.unsigned.clear() // what was not signed may be now
      if (this.#pausedUntil !== undefined) this.#pausedUntil = this.#patience.now()
    })
  }

  /** The longest wait for one answer, in ms, and for the first piece of content that another mirror has too. */
  get deadline(): number {
    return this.#patience.deadline
  }

  /** A reader over the root that is current now; `undefined` while there is none. */
  reader(): RegistryReader | undefined {
    return this.#source.reader()
  }

  /** Since when that root may not be its owner's newest, in ms since the epoch; `undefined` while it is. */
  staleSince(): number | undefined {
    return this.#source.staleSince?.()
  }

  /**
   * Since when it is stale, once that is longer than it may be: what changes, tags and listings, is then not taken from
   * it. What is asked for by digest never changes, so it cannot be out of date.
   */
  outdatedSince(): number | undefined {
    const { maxStale } = this.#source
    const since = maxStale === undefined ? undefined : this.staleSince()
    if (maxStale === undefined || since === undefined) return undefined
    return this.#patience.now() - since > maxStale ? since : undefined
  }

  report(error: unknown): void {
    this.#patience.onMirrorError(this.name, error)
  }

  /**
   * Asks one question.
   *
   * @returns the answer in a box; `undefined` when there was none to be had
   * @throws only the signal's reason, when the caller gave up
   */
  async ask<T>(
    question: (signal: AbortSignal) => Promise<T>,
    { signal }: Abortable = {},
  ): Promise<{ answer: T } | undefined> {
    signal?.throwIfAborted()
    const isPaused = this.#pausedUntil !== undefined
    if (isPaused && !this.#mayTry()) return this.#askHastily(question, signal)
    if (isPaused) this.#isTrying = true
    try {
      const answer = await this.#withDeadline(question, signal, this.#patience.deadline)
      this.#pausedUntil = undefined
      return { answer }
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof MirrorDeadlineError) {
        this.#pausedUntil = this.#patience.now() + this.#patience.pause
      }
      this.report(error)
      return undefined
    } finally {
      if (isPaused) this.#isTrying = false
    }
  }

  /** Only for what is on this disk already, which needs no mirror that answers; so a failure says nothing new. */
  async #askHastily<T>(
    question: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<{ answer: T } | undefined> {
    try {
      return { answer: await this.#withDeadline(question, signal, this.#patience.haste) }
    } catch {
      signal?.throwIfAborted()
      return undefined
    }
  }

  #mayTry(): boolean {
    return !this.#isTrying && this.#patience.now() >= (this.#pausedUntil ?? 0)
  }

  /** Does not wait for a question that ignores its signal. */
  async #withDeadline<T>(
    question: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal | undefined,
    deadline: number,
  ): Promise<T> {
    const abort = new AbortController()
    const { promise: cutOff, reject } = Promise.withResolvers<never>()
    const giveUp = (reason: unknown): void => {
      abort.abort(reason)
      reject(reason)
    }
    const onAbort = (): void => giveUp(signal?.reason)
    const timer = setTimeout(() => giveUp(new MirrorDeadlineError(this.name, deadline)), deadline)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([question(abort.signal), cutOff])
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }
}
