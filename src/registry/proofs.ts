import { SingleFlight } from './single-flight.ts'
import type { Abortable } from './ports.ts'

/** How proofs are waited for. */
export interface ProofsInit {
  /** Nobody waits longer for one, in ms: a client is to hear something within half a minute, of two mirrors (faults, C16). */
  waitMs?: number
  /** A proof that took too long goes on for so long after the last one who waited, in ms. */
  goesOnMs?: number
  /** As many may go on for nobody. */
  goingOnMax?: number
}

/** A proof is under way, and takes longer than anybody should be kept waiting. */
export class StillProvingError extends Error {
  static override readonly name = 'StillProvingError'
  override readonly name = 'StillProvingError'
}

/**
 * Proofs of whole contents that are under way, each shared by all who wait for it.
 *
 * How long one takes is up to the mirror: a tree of a few hundred bytes may say that one leaf, many times over, is all
 * that a registry takes. So one who waits is sent away in time, and asked to come again; and because honest content can
 * be that large as well, the proof then goes on for a while, so that who comes again finds it further on.
 */
export class Proofs {
  readonly #flights = new SingleFlight<void>()
  readonly #goingOn = new Map<string, { timer: NodeJS.Timeout; abort: AbortController }>()
  readonly #waitMs: number
  readonly #goesOnMs: number
  readonly #goingOnMax: number
  #isStopped = false

  constructor({ waitMs = 15_000, goesOnMs = 60_000, goingOnMax = 4 }: ProofsInit = {}) {
    this.#waitMs = waitMs
    this.#goesOnMs = goesOnMs
    this.#goingOnMax = goingOnMax
  }

  /** @throws StillProvingError when it takes too long; what `prove` throws; the signal's reason */
  async run(
    key: string,
    prove: (signal: AbortSignal) => Promise<void>,
    { signal }: Abortable,
  ): Promise<void> {
    const late = new AbortController()
    const timer = setTimeout(() => {
      // Joined before we leave: a flight that nobody is on ends.
      this.#goOn(key, prove)
      late.abort(new StillProvingError(`not proven after ${this.#waitMs} ms`))
    }, this.#waitMs)
    const either = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal])
    try {
      await this.#flights.run(key, prove, { signal: either })
    } finally {
      clearTimeout(timer)
    }
  }

  /** Ends what goes on for nobody; nothing goes on from now on. */
  stop(): void {
    this.#isStopped = true
    for (const key of [...this.#goingOn.keys()]) this.#end(key)
  }

  #goOn(key: string, prove: (signal: AbortSignal) => Promise<void>): void {
    const already = this.#goingOn.get(key)
    already?.timer.refresh()
    if (already !== undefined || this.#goingOn.size >= this.#goingOnMax || this.#isStopped) return
    const abort = new AbortController()
    const timer = setTimeout(() => this.#end(key), this.#goesOnMs).unref()
    this.#goingOn.set(key, { timer, abort })
    const end = (): void => this.#end(key)
    // Nobody is there to be told of a failure: who asks next finds it out again, or that it was rejected.
    this.#flights.run(key, prove, { signal: abort.signal }).then(end, end)
  }

  #end(key: string): void {
    const going = this.#goingOn.get(key)
    if (going === undefined) return
    this.#goingOn.delete(key)
    clearTimeout(going.timer)
    going.abort.abort(new Error('nobody waits for this proof any more'))
  }
}
