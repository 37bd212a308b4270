import { DAY, HOUR, MINUTE } from '../naming/clock.ts'
import type { Logger } from 'pino'
import type { DurableMap } from '../registry/ports.ts'

/** A clock that is ahead by no more than this is believed at once: the machine was off, or asleep. In ms. */
const OFF = DAY
/** For so long the daemon runs with a clock that is further ahead before it is believed, in ms. */
const GRACE = DAY
const SEEN = 'seen'

/** What {@link AgeClock} works with. */
export interface AgeClockParts {
  /** Where the time is kept while the process is not there. */
  readonly map: DurableMap
  /** The clock on the wall, in ms since the epoch. */
  readonly wall: () => number
  /** Milliseconds that pass only while the process runs, and never go back. */
  readonly steady: () => number
  /** When something was last written here, as far as that is known otherwise. */
  readonly since: number | undefined
  readonly log: Logger
}

/** A time that the clock says has passed, and nobody knows whether it has. */
export interface ClockDoubt {
  /** How far the clock on the wall is ahead of the time that counts, in ms. */
  readonly aheadBy: number
  /** After so many ms of running it counts. */
  readonly countedIn: number
}

interface Seen {
  /** The time that counted. */
  readonly time: number
  /** How far the clock was ahead of it, and how long it has been so while the daemon ran; both 0 when it was believed. */
  readonly ahead: number
  readonly watched: number
}

/**
 * The time by which things become old enough to be deleted. It is the clock on the wall, but for a clock that is suddenly
 * more than a day ahead, after a start or while we run: nobody can tell a long holiday from a wrong clock, and the wrong one
 * must not delete what was pushed an hour ago. So then only the time counts in which the daemon runs, until it has run for a
 * day with that clock, or somebody says that it is right. A clock that goes back is believed: it makes nothing older.
 */
export class AgeClock implements AsyncDisposable {
  readonly #parts: AgeClockParts
  readonly #timers: readonly NodeJS.Timeout[]
  #time: number
  #steadyAt: number
  #ahead = 0
  #watched = 0
  /** Whether the log has it that there is doubt, once in each life of the process. */
  #isTold = false

  private constructor(parts: AgeClockParts, seen: Seen | undefined) {
    this.#parts = parts
    this.#steadyAt = parts.steady()
    this.#time = seen?.time ?? parts.since ?? parts.wall()
    this.#ahead = seen?.ahead ?? 0
    this.#watched = seen?.watched ?? 0
    this.#step()
    this.#timers = [
      setInterval(() => this.#step(), MINUTE),
      setInterval(() => void this.save(), HOUR),
    ]
    for (const timer of this.#timers) timer.unref()
  }

  static async open(parts: AgeClockParts): Promise<AgeClock> {
    const saved = parse(await parts.map.get(SEEN))
    const clock = new AgeClock(parts, saved)
    // Otherwise an hour's worth of clocks that jump would leave no trace.
    if (saved === undefined) await clock.save()
    return clock
  }

  /** Milliseconds since the epoch. */
  now(): number {
    this.#step()
    return this.#time
  }

  /** `undefined` while the clock on the wall is believed. */
  get doubt(): ClockDoubt | undefined {
    this.#step()
    if (this.#ahead === 0) return undefined
    return { aheadBy: this.#ahead, countedIn: GRACE - this.#watched }
  }

  /** Somebody says that the clock on the wall is right. */
  trust(): void {
    this.#believe(this.#parts.wall())
  }

  /** Writes the time down. Without it a start knows an older one, which makes nothing older; so a failure is only told. */
  async save(): Promise<void> {
    const seen: Seen = { time: this.now(), ahead: this.#ahead, watched: this.#watched }
    try {
      await this.#parts.map.put(SEEN, Buffer.from(JSON.stringify(seen)))
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'the time could not be written down')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await this.save()
  }

  #step(): void {
    const { wall, steady } = this.#parts
    const passed = steady() - this.#steadyAt
    this.#steadyAt += passed
    const [time, expected] = [wall(), this.#time + passed]
    const ahead = time - expected
    if (ahead <= OFF) return this.#believe(time)
    const isSame = this.#ahead > 0 && Math.abs(ahead - this.#ahead) <= OFF
    this.#watched = isSame ? this.#watched + passed : 0
    if (this.#watched >= GRACE) return this.#believe(time)
    this.#time = expected
    this.#ahead = ahead
    if (!isSame || !this.#isTold) this.#tell()
  }

  #believe(time: number): void {
    if (this.#ahead > 0) this.#parts.log.info('ages go by the clock on the wall again')
    this.#time = time
    this.#ahead = 0
    this.#watched = 0
  }

  #tell(): void {
    this.#isTold = true
    this.#parts.log.warn(
      {
        counted: new Date(this.#time).toISOString(),
        wall: new Date(this.#parts.wall()).toISOString(),
      },
      `the clock is ${(this.#ahead / DAY).toFixed(1)} days ahead of the time that this registry knows of: until the daemon ` +
        `has run for a day, that makes nothing old enough to be deleted. If the clock is right, heliport gc --trust-clock ` +
        `counts it now; if not, set it`,
    )
  }
}

/** What is not as it was written is as if nothing had been. */
function parse(bytes: Uint8Array | undefined): Seen | undefined {
  if (bytes === undefined) return undefined
  try {
    const { time, ahead, watched } = JSON.parse(Buffer.from(bytes).toString('utf8')) as Seen
    return [time, ahead, watched].every(Number.isFinite) ? { time, ahead, watched } : undefined
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}
