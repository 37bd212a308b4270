import { MINUTE, SECOND, backOff, systemClock, within } from './clock.ts'
import { loadDnsLinkState, saveDnsLinkState } from './dnslink-state.ts'
import type { CID } from 'multiformats/cid'
import type { DurableMap } from '../registry/ports.ts'
import type { Clock } from './clock.ts'
import type { FollowedName, MirrorStatus } from './mirror.ts'
import type { Log } from './ports.ts'

/** How often the domain is looked up. Milliseconds. */
const LOOKUP_EVERY = 5 * MINUTE
/** How soon again when that failed, at first: at a start the network is often not up yet. Milliseconds. */
const RETRY_AFTER = 5 * SECOND
const LOOKUP_TIMEOUT = 30 * SECOND

export interface DnsLinkComponents {
  /** The IPNS name (`k51…`) that the domain's DNSLink record points to; `undefined` when it points elsewhere. */
  readonly resolve: (
    domain: string,
    options: { signal: AbortSignal },
  ) => Promise<string | undefined>
  /** Makes the mirror of a name. */
  readonly follow: (name: string) => FollowedName
  /** Remembers the name of each domain, and the one before for as long as its root serves. */
  readonly state: DurableMap
  readonly log: Log
  readonly clock?: Clock | undefined
}

/**
 * Follows a domain: looks up which name it stands for, and follows that. When the domain changes to another name, the
 * root of the name before serves until the new one has a root, over restarts too; both are followed until then.
 */
export class DnsLinkMirror implements FollowedName {
  readonly name: string
  readonly #components: DnsLinkComponents
  readonly #clock: Clock
  readonly #stop = new AbortController()
  /** The mirror of the name the domain stands for now. */
  #inner: FollowedName | undefined
  /** The last one that had a root, while that has none. */
  #before: FollowedName | undefined
  #movedAt: number | undefined
  #error: string | undefined
  #failingSince: number | undefined
  #running: Promise<void> | undefined

  /** @param domain in lower-case ASCII */
  constructor(domain: string, components: DnsLinkComponents) {
    this.name = domain
    this.#components = components
    this.#clock = components.clock ?? systemClock
  }

  root(): CID | undefined {
    return this.#serving?.root()
  }

  /** Whose root serves. */
  get #serving(): FollowedName | undefined {
    return this.#inner?.root() === undefined ? (this.#before ?? this.#inner) : this.#inner
  }

  get #withRoot(): FollowedName | undefined {
    return this.root() === undefined ? undefined : this.#serving
  }

  status(): MirrorStatus {
    const inner = this.#inner?.status()
    const state = this.#error === undefined ? (inner?.state ?? 'waiting') : 'error'
    return {
      name: this.name,
      root: this.root()?.toString(),
      sequence: this.#serving?.status().sequence,
      resolvedAt: inner?.resolvedAt,
      state,
      error: this.#error ?? inner?.error,
    }
  }

  isLost(): boolean {
    return this.#inner?.isLost() === true || this.#before?.isLost() === true
  }

  staleSince(): number | undefined {
    const isThere = this.#inner?.root() !== undefined
    const since = [
      this.#failingSince,
      // The root of the name before is not what the domain stands for, however well that name is doing.
      isThere ? this.#inner?.staleSince() : this.#movedAt,
    ].filter((time) => time !== undefined)
    return since.length === 0 ? undefined : Math.min(...since)
  }

  async start(): Promise<void> {
    const { state, follow } = this.#components
    const known = await loadDnsLinkState(state, this.name)
    if (known !== undefined) {
      this.#inner = follow(known.name)
      this.#before = known.before && follow(known.before.name)
      this.#movedAt = Math.min(known.before?.movedAt ?? Infinity, this.#clock.now())
      await Promise.all([this.#inner.start(), this.#before?.start()])
    }
    this.#running = this.#run(this.#stop.signal)
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the node stops'))
    await this.#running
    await Promise.all([this.#inner?.stop(), this.#before?.stop()])
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.#lookUp(signal)
        failures = 0
      } catch (error) {
        failures++
        // A resolver that fails says nothing about the name we know already.
        if (signal.aborted) return
        this.#fail(
          `${this.name} cannot be looked up: ${error instanceof Error ? error.message : String(error)}`,
        )
        this.#components.log.debug(
          { domain: this.name, err: error },
          'a domain could not be looked up',
        )
      }
      const due = failures === 0 ? LOOKUP_EVERY : backOff(failures, RETRY_AFTER, LOOKUP_EVERY)
      await this.#clock.sleep(due, signal).catch(() => undefined) // stopping: the loop ends
    }
  }

  async #lookUp(signal: AbortSignal): Promise<void> {
    const limit = { clock: this.#clock, milliseconds: LOOKUP_TIMEOUT, signal }
    const name = await within(limit, (until) =>
      this.#components.resolve(this.name, { signal: until }),
    )
    signal.throwIfAborted()
    if (name === undefined) {
      return this.#fail(`the DNSLink of ${this.name} does not point to an IPNS name (/ipns/k51…)`)
    }
    this.#error = undefined
    this.#failingSince = undefined
    if (name === this.#inner?.name) await this.#settle()
    else await this.#move(name)
  }

  #fail(why: string): void {
    this.#error = why
    this.#failingSince ??= this.#clock.now()
  }

  /** Follows another name, and of those before the one whose root serves, if that is not the same. */
  async #move(name: string): Promise<void> {
    const { state, follow } = this.#components
    let [serving, movedAt] = [this.#withRoot, this.#clock.now()]
    for (;;) {
      // Since when the root that serves is not what the domain stands for.
      if (serving !== undefined && serving === this.#before) movedAt = this.#movedAt ?? movedAt
      const before = serving && { name: serving.name, movedAt }
      await saveDnsLinkState(state, this.name, {
        name,
        before: serving?.name === name ? undefined : before,
      })
      if (serving === this.#withRoot) break
      serving = this.#withRoot // the name that is left got its first root meanwhile
    }
    const isBack = serving?.name === name
    const next = isBack && serving !== undefined ? serving : follow(name)
    const before = isBack ? undefined : serving
    const left = [this.#inner, this.#before].filter((each) => each !== next && each !== before)
    this.#inner = next
    this.#before = before
    this.#movedAt = movedAt
    for (const each of left) await each?.stop()
    if (!isBack) await next.start()
  }

  /** The name before is not needed any more when the new one has a root. */
  async #settle(): Promise<void> {
    const [inner, before] = [this.#inner, this.#before]
    if (inner?.root() === undefined || before === undefined) return
    await saveDnsLinkState(this.#components.state, this.name, {
      name: inner.name,
      before: undefined,
    })
    this.#before = undefined
    await before.stop()
  }
}
