import { ChangingRules } from '../access/changing.ts'
import { KNOWN_USERS, TOKEN_HOLDERS } from '../access/known-users.ts'
import { OPEN_ACCESS } from '../access/open.ts'
import { isLoopbackHost } from '../config/address.ts'
import { WaitingOptions } from './waiting.ts'
import type { Logger } from 'pino'
import type { Policy } from '../access/ports.ts'
import type { ConfigSource, StartOptions } from '../cli/daemon-face.ts'
import type { Config } from '../config/schema.ts'

/** How often the configuration is looked at, in ms: a user who was taken out is out within a minute. */
const LOOK_EVERY_MS = 10_000

/** Who may do what, and what nobody may (`access`), as the configuration has it now and later. */
export function openRules(
  stack: AsyncDisposableStack,
  config: Config,
  { source, onReload }: Pick<StartOptions, 'source' | 'onReload'>,
  log: Logger,
): ChangingRules {
  const rules = new ChangingRules({ ...config.access, byDefault: defaultOf(config) })
  if (source !== undefined) {
    const room = log.child({ room: 'access' })
    const reloader = stack.use(new PolicyReloader({ source, rules, started: config, log: room }))
    const forget = onReload?.(() => void reloader.reload())
    if (forget !== undefined) stack.defer(forget)
  }
  return rules
}

/** What holds where no policies are written: it depends on how users are told apart, so on a restart. */
function defaultOf({ auth }: Config): Policy {
  if (auth.mode === 'open') return OPEN_ACCESS.policy
  return auth.mode === 'token' && auth.token.keys.length > 0 ? TOKEN_HOLDERS : KNOWN_USERS
}

/** Whether whoever is on this machine gets the status in full over HTTP; for whom that is, HTTP looks at each request. */
export function isStatusOpen({ http, auth }: Config): boolean {
  return auth.mode === 'open' && isLoopbackHost(http.addr.host)
}

/**
 * Reads the section `access` anew whenever the configuration has changed. Everything else in it needs a restart, which is
 * said. What is wrong leaves the rules as they are, and is logged.
 */
export class PolicyReloader {
  readonly #source: ConfigSource
  readonly #rules: ChangingRules
  readonly #byDefault: Policy
  readonly #log: Logger
  readonly #waiting: WaitingOptions
  readonly #timer: NodeJS.Timeout
  /** The section as it holds, as text. */
  #now: string
  #stamp: string | undefined
  /** What was wrong the last time, so that it is said once. */
  #wrong: string | undefined
  #looking: Promise<void> | undefined

  /** @param started the configuration the rules are of */
  constructor(parts: {
    source: ConfigSource
    rules: ChangingRules
    started: Config
    log: Logger
    every?: number
  }) {
    this.#source = parts.source
    this.#rules = parts.rules
    this.#byDefault = defaultOf(parts.started)
    this.#now = JSON.stringify(parts.started.access)
    this.#log = parts.log
    this.#waiting = new WaitingOptions(parts.started, parts.log)
    this.#timer = setInterval(() => void this.look(), parts.every ?? LOOK_EVERY_MS)
    this.#timer.unref()
  }

  /** Looks whether there is something new, and takes it over. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  /** Somebody has said that it is to be read anew: it is, also when it looks the same, and what waits is said again. */
  async reload(): Promise<void> {
    await this.#looking
    this.#stamp = undefined
    await this.look()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
  }

  async #look(): Promise<void> {
    try {
      const stamp = await this.#source.stamp()
      if (stamp === this.#stamp) return
      // Before it is read: what changes meanwhile is seen the next time.
      this.#stamp = stamp
      const config = await this.#source.read()
      this.#takeOver(config)
      this.#waiting.look(config)
      this.#wrong = undefined
    } catch (error) {
      // Whatever it is, the daemon goes on with the rules that it has, and looks again.
      this.#stamp = undefined
      const why = error instanceof Error ? error.message : String(error)
      if (why !== this.#wrong)
        this.#log.error({ why }, 'the configuration is broken: who may do what stays as it was')
      this.#wrong = why
    }
  }

  #takeOver({ access }: Config): void {
    const text = JSON.stringify(access)
    if (text === this.#now) return
    this.#rules.replace({ ...access, byDefault: this.#byDefault })
    this.#now = text
    this.#log.info('who may do what has changed')
  }
}
