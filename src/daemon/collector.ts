import { RegistryError } from '../oci/errors.ts'
import { Pace } from '../blocks/pace.ts'
import { isDue } from '../naming/clock.ts'
import { markLive } from './gc-roots.ts'
import { newRun, reportOf } from './gc-report.ts'
import { untilAnnounced } from './announcer.ts'
import type { Logger } from 'pino'
import type { Leases } from '../registry/leases.ts'
import type { Abortable, DurableMap } from '../registry/ports.ts'
import type { Tidy } from '../registry/tidy.ts'
import type { Keep } from '../tree/journal.ts'
import type { AgeClock } from './age-clock.ts'
import type { GcReport, GcRun } from './gc-report.ts'
import type { LiveParts } from './gc-roots.ts'

/** How much of the time a collection works; the rest is for those who push and pull. */
const SHARE = 0.5
/** How often it is looked whether one is due, in ms. */
const LOOK_EVERY = 60_000
/** After one that came to nothing, in ms. */
const AGAIN = 3_600_000
const LAST = 'last'

/** What a {@link Collector} works with. */
export interface CollectorParts extends LiveParts {
  /** `undefined` on a node that only reads. */
  readonly tidy: Pick<Tidy, 'run' | 'noteTimes'> | undefined
  readonly leases: Leases
  /** After a start nothing is collected for so long, in ms. */
  readonly lease: number
  readonly keep: Keep
  /** A collection is due after so many ms; `null`: only when somebody asks for it. */
  readonly interval: number | null
  readonly map: DurableMap
  readonly log: Logger
  /** Milliseconds since the epoch that do not follow a clock that is set while we run. */
  readonly now: () => number
  /** By which things become old. */
  readonly ages: Pick<AgeClock, 'now' | 'doubt' | 'trust' | 'save'>
}

/** How the collector stands, for the status. */
export interface CollectorStatus {
  readonly running: GcRun | undefined
  readonly last: GcReport | undefined
  /** Why the last one came to nothing. */
  readonly error: string | undefined
}

/**
 * Collects garbage while everything else goes on: takes out of our tree what the policy says, forgets commits that are no
 * longer kept, marks what is alive, and deletes all other blocks. One collection runs at a time.
 */
export class Collector implements AsyncDisposable {
  readonly #parts: CollectorParts
  readonly #stop = new AbortController()
  readonly #startedAt: number
  #timer: NodeJS.Timeout | undefined
  #running: { run: GcRun; ended: Promise<unknown> } | undefined
  #last: GcReport | undefined
  #error: string | undefined
  /** When one was begun by itself. */
  #triedAt: number | undefined

  constructor(parts: CollectorParts) {
    this.#parts = parts
    this.#startedAt = parts.now()
  }

  /** Reads when the last one was; from now on they come by themselves. */
  async start(): Promise<void> {
    const saved = await this.#parts.map.get(LAST)
    this.#last = saved === undefined ? undefined : parseReport(saved)
    this.#timer = setInterval(() => this.#runIfDue(), this.#every()).unref()
  }

  status(): CollectorStatus {
    return { running: this.#running?.run, last: this.#last, error: this.#error }
  }

  /**
   * Runs one collection.
   *
   * @param options `trustClock`: ages go by the clock on the wall, however far it is ahead of what the registry knows of;
   * from then on too, but for a dry run
   * @param onRun gets what is kept up to date while it runs
   * @throws RegistryError DENIED when one runs already, UNAVAILABLE when something that is alive cannot be read, or the
   * registry is read-only because it lost something: then no block was deleted
   */
  async collect(
    { dryRun, trustClock = false, signal }: Abortable & { dryRun: boolean; trustClock?: boolean },
    onRun: (run: GcRun) => void = () => undefined,
  ): Promise<GcReport> {
    if (this.#running !== undefined)
      throw new RegistryError('DENIED', { message: 'a collection runs already' })
    const run = this.#begin(dryRun, trustClock)
    onRun(run)
    const stop = this.#stop.signal
    const ended = this.#run(run, signal === undefined ? stop : AbortSignal.any([signal, stop]))
    this.#running = { run, ended }
    try {
      const report = await ended
      if (!dryRun) await this.#remember(report)
      await this.#parts.ages.save()
      this.#error = undefined
      return report
    } catch (error) {
      if (!stop.aborted && signal?.aborted !== true) this.#error = messageOf(error)
      throw error
    } finally {
      this.#running = undefined
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort(new Error('the node stops'))
    await this.#running?.ended.catch(() => undefined) // whoever began it is told
    await this.#parts.leases.save().catch((error: unknown) => {
      this.#parts.log.warn(
        { err: error },
        'leases could not be written: all links stay for a while',
      )
    })
  }

  #begin(dryRun: boolean, trustClock: boolean): GcRun {
    const { ages, now } = this.#parts
    const { doubt } = ages
    if (trustClock && !dryRun) ages.trust()
    const aged = ages.now() + (trustClock && dryRun ? (doubt?.aheadBy ?? 0) : 0)
    return newRun({ dryRun, startedAt: now(), now: aged, doubt: trustClock ? undefined : doubt })
  }

  async #run(run: GcRun, signal: AbortSignal): Promise<GcReport> {
    const { storage, tidy, leases, keep, publisher, now } = this.#parts
    const { lane, journal, blocks, cache } = storage
    if (lane.stopped !== undefined) throw unreadable(lane.stopped)
    const pace = new Pace(SHARE)
    const { dryRun } = run
    const turn = (): Promise<void> => pace.turn({ signal })
    const firstKept = await readable(signal, async () => {
      const how = { dryRun, turn, now: run.now, tidied: run.tidied, signal }
      if (leases.allFor === 0) await tidy?.run(how)
      else await tidy?.noteTimes(how)
      run.phase = 'mark'
      return journal.firstKept(keep, run.now)
    })
    run.commits = Math.max(0, firstKept - ((await journal.oldest()) ?? firstKept))
    const newest = (await journal.newest()).entry?.sequence
    run.keptCommits = newest === undefined ? 0 : newest - firstKept + 1
    if (!dryRun) await journal.trim(firstKept, { signal })
    if (!dryRun && publisher !== undefined) await untilAnnounced(publisher, { signal })
    using collection = blocks.collect()
    cache.clear()
    await readable(signal, () =>
      markLive(collection, this.#parts, { signal, pace, firstKept, run }),
    )
    run.phase = 'sweep'
    await collection.sweep({ pace, dryRun, reclaimed: run.reclaimed, signal })
    return reportOf(run, now(), leases.allFor)
  }

  async #remember(report: GcReport): Promise<void> {
    this.#last = report
    await this.#parts.map.put(LAST, Buffer.from(JSON.stringify(report)))
    this.#parts.log.info(report, 'garbage collected')
  }

  #every(): number {
    return Math.min(LOOK_EVERY, this.#parts.interval ?? LOOK_EVERY)
  }

  #runIfDue(): void {
    const { interval, now, log } = this.#parts
    if (interval === null || this.#running !== undefined) return
    // Not right after a start: much is just being made good then, and an interval may be long.
    if (now() - this.#startedAt < Math.min(interval, this.#parts.lease)) return
    const last = this.#last === undefined ? undefined : Date.parse(this.#last.startedAt)
    if (!isDue(last, interval, now()) || !isDue(this.#triedAt, Math.min(interval, AGAIN), now()))
      return
    this.#triedAt = now()
    this.collect({ dryRun: false }).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) log.error({ err: error }, 'garbage could not be collected')
    })
  }
}

/** From half of what is alive nothing may follow. */
async function readable<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    signal.throwIfAborted()
    throw unreadable(error)
  }
}

function unreadable(cause: unknown): RegistryError {
  return new RegistryError('UNAVAILABLE', {
    message: `no block was deleted, because something that is to stay cannot be read: ${messageOf(cause)}`,
    cause,
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function parseReport(bytes: Uint8Array): GcReport | undefined {
  try {
    const report = JSON.parse(Buffer.from(bytes).toString('utf8')) as GcReport
    return Number.isNaN(Date.parse(report.startedAt)) ? undefined : report
  } catch {
    return undefined // as if none had ever been
  }
}
