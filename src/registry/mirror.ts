import type { Abortable, RegistryReader, RegistrySource } from './ports.ts'

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
  /** How long a mirror that missed its deadline is not asked at all, in ms. */
  pause: number
  /** The clock, in ms. */
  now: () => number
  onMirrorError: MirrorErrorHandler
}

/**
 * A mirror that is asked with a deadline of its own, so that it never holds a pull: what fails is reported and passed
 * over. After a missed deadline it is left alone for a while; then one question goes through to try it, and the others
 * go on passing it over until that one was answered.
 */
export class Mirror {
  readonly name: string
  readonly #source: RegistrySource
  readonly #patience: MirrorPatience
  #pausedUntil: number | undefined
  #isTrying = false

  constructor(source: RegistrySource, patience: MirrorPatience) {
    this.name = source.name
    this.#source = source
    this.#patience = patience
  }

  /** A reader over the root that is current now; `undefined` while there is none. */
  reader(): RegistryReader | undefined {
    return this.#source.reader()
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
    if (isPaused && !this.#mayTry()) return undefined
    if (isPaused) this.#isTrying = true
    try {
      const answer = await this.#withDeadline(question, signal)
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

  #mayTry(): boolean {
    return !this.#isTrying && this.#patience.now() >= (this.#pausedUntil ?? 0)
  }

  /** Does not wait for a question that ignores its signal. */
  async #withDeadline<T>(
    question: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const { deadline } = this.#patience
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
