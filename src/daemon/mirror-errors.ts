import type { Logger } from 'pino'

/** How long a failure is shown after it happened, in ms: a mirror that works again should soon look like it. */
const SHOWN_FOR = 10 * 60_000

/** What went wrong last with the content of each mirror, for the status. The log has all of it. */
export class MirrorErrors {
  readonly #last = new Map<string, { message: string; at: number }>()
  readonly #log: Logger
  readonly #now: () => number

  constructor(log: Logger, now: () => number) {
    this.#log = log.child({ room: 'registry' })
    this.#now = now
  }

  note(mirror: string, error: unknown): void {
    this.#last.set(mirror, {
      message: error instanceof Error ? error.message : String(error),
      at: this.#now(),
    })
    this.#log.warn({ mirror, err: error }, 'a mirror was passed over')
  }

  /** The last failure, if it was not long ago. */
  of(mirror: string): string | undefined {
    const last = this.#last.get(mirror)
    return last !== undefined && this.#now() - last.at < SHOWN_FOR ? last.message : undefined
  }
}
