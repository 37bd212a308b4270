import type { FollowedName } from '../naming/mirror.ts'
import type { DurableMap } from '../registry/ports.ts'

/** How often the time is written, in ms: by so much may it seem longer ago after a restart than it was. */
const WRITE_EVERY = 60_000

/** The mirror, and how stale it may be, in ms. */
interface Mirror {
  readonly text: string
  readonly maxStale: number | null
}

/**
 * Since when a mirror is stale, also across restarts where that decides anything: a node that is started every day must
 * not take that for news of its mirrors. So the time of the last confirmation is remembered, for mirrors with a `maxStale`.
 */
export class Freshness {
  readonly #mirror: Mirror
  readonly #follower: Pick<FollowedName, 'staleSince' | 'status'>
  readonly #map: DurableMap
  readonly #now: () => number
  /** The last confirmation that is on disk. */
  #known: number | undefined
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(
    mirror: Mirror,
    follower: Pick<FollowedName, 'staleSince' | 'status'>,
    map: DurableMap,
    now: () => number = Date.now,
  ) {
    this.#mirror = mirror
    this.#follower = follower
    this.#map = map
    this.#now = now
  }

  /** In ms since the epoch; `undefined` while it is confirmed. */
  staleSince(): number | undefined {
    const since = this.#follower.staleSince()
    const { maxStale } = this.#mirror
    const known = this.#known
    if (maxStale === null || known === undefined) return since
    if (this.#follower.status().resolvedAt !== undefined) return since
    // Nobody has said anything in this life. What was confirmed lately is waited for a moment longer.
    if (this.#now() - known <= maxStale) return since
    return Math.min(known, since ?? known)
  }

  async start(): Promise<void> {
    if (this.#mirror.maxStale === null) return
    const bytes = await this.#map.get(this.#mirror.text)
    const time = Number(Buffer.from(bytes ?? []).toString('utf8'))
    if (bytes !== undefined && Number.isSafeInteger(time)) this.#known = time
    this.#timer = setInterval(() => this.#write(), WRITE_EVERY).unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#write()
    await this.#writing
  }

  #write(): void {
    const { text, maxStale } = this.#mirror
    const last = this.#follower.status().resolvedAt
    if (maxStale === null || last === undefined || last === this.#known) return
    this.#writing = this.#writing
      .then(() => this.#map.put(text, Buffer.from(String(last))))
      .then(
        () => void (this.#known = last),
        () => undefined, // the disk: the next time tries again
      )
  }
}
