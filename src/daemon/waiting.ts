import { changedOptions } from '../config/changes.ts'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'

/** What is read anew while the daemon runs. */
const TAKEN_OVER = 'access.'

/**
 * Says which options of the configuration are not those that the daemon goes by, and wait for a restart: whoever has
 * written `publish: false` must not believe that it counts.
 */
export class WaitingOptions {
  readonly #started: Config
  readonly #log: Logger
  #waiting: readonly string[] = []

  /** @param started the configuration that the daemon goes by */
  constructor(started: Config, log: Logger) {
    this.#started = started
    this.#log = log
  }

  /** @param config as it was just read */
  look(config: Config): void {
    const keys = changedOptions(this.#started, config).filter((key) => !key.startsWith(TAKEN_OVER))
    if (keys.length > 0) this.#log.warn({ keys }, message(keys))
    else if (this.#waiting.length > 0)
      this.#log.info(
        'the configuration is again the one that the daemon goes by: nothing waits for a restart',
      )
    this.#waiting = keys
  }
}

function message(keys: readonly string[]): string {
  const rest = keys.includes('repositories')
    ? '. What is pushed before that is published, or not, by the old rules'
    : ''
  return `the configuration has changed, and this waits for a restart of the daemon: ${keys.join(', ')}${rest}`
}
