import { lookAt } from '../blocks/checked-blocks.ts'
import { MissingBlockError } from '../blocks/block-store.ts'
import { RAW, cidFromHash } from '../blocks/cids.ts'
import { isDamage } from '../tree/damage.ts'
import { HOUR, MINUTE, SECOND, systemClock } from '../naming/clock.ts'
import { isDiskBusy } from './io-pressure.ts'
import { loadScrub, newCounts, saveScrub } from './scrub-state.ts'
import type { Logger } from 'pino'
import type { DiskBlockStore } from '../blocks/disk-block-store.ts'
import type { Healer } from '../blocks/healer.ts'
import type { StoredBlocks } from '../blocks/stored-blocks.ts'
import type { Clock } from '../naming/clock.ts'
import type { DurableMap } from '../registry/ports.ts'
import type { ScrubCounts, ScrubRound, ScrubState } from './scrub-state.ts'
import type { CID } from 'multiformats/cid'

/** After a start others have more need of the disk. */
const FIRST_AFTER = MINUTE
/** After a failure. */
const AGAIN = HOUR
/** The longest sleep: the clock may be set meanwhile. */
const SLEEP = HOUR
/** How often the position is written down. */
const SAVE_EVERY = MINUTE
/** It is looked again so often whether others are done with the disk, and one block waits so long for that. */
const BUSY_LOOK = 5 * SECOND
const BUSY_MOST = MINUTE
/** After each read it rests for so many times as long as that took: a disk that is slow has others to serve. */
const RESTS = 9

/** What a {@link Scrubber} works with. */
export interface ScrubberParts {
  readonly blocks: Pick<DiskBlockStore, 'stored' | 'isLinked'>
  readonly healer: Pick<Healer, 'heal' | 'isWhole'>
  readonly map: DurableMap
  /** A round takes so long, in ms; `null`: there are none. */
  readonly interval: number | null
  /** Bytes a second. */
  readonly rate: number
  /** Whether others read the disk from end to end just now. */
  readonly isPaused: () => boolean
  readonly log: Logger
  readonly clock?: Clock
  readonly isBusy?: () => Promise<boolean>
}

/** How the scrub stands, for the status. */
export interface ScrubStatus extends ScrubCounts {
  /** `waiting`: for the next block's time, or for others. */
  readonly state: 'off' | 'waiting' | 'reading'
  /** When the round was begun, in ms since the epoch. */
  readonly startedAt: number | undefined
  /** How far the round is, from 0 to 1. */
  readonly part: number
  readonly last: ScrubRound | undefined
  readonly error: string | undefined
}

/**
 * Reads every block, over and over, so that damage is found while there is still a good copy somewhere. Hashes are spread
 * evenly, so each tells when its block's time in the round has come: no list is kept, and a restart goes on where it was.
 * After a long stop it catches up, never faster than its rate.
 */
export class Scrubber implements AsyncDisposable {
  readonly #parts: ScrubberParts
  readonly #clock: Clock
  readonly #stored: StoredBlocks
  readonly #stop = new AbortController()
  #state: ScrubState | undefined
  #savedAt = 0
  #running: Promise<void> | undefined
  #isReading = false
  #error: string | undefined

  constructor(parts: ScrubberParts) {
    this.#parts = parts
    this.#clock = parts.clock ?? systemClock
    this.#stored = parts.blocks.stored()
  }

  async start(): Promise<void> {
    const { interval, map } = this.#parts
    if (interval === null) return
    this.#state = await loadScrub(map, this.#clock.now())
    this.#running = this.#run(this.#state, interval)
  }

  status(): ScrubStatus {
    const state = this.#state
    return {
      state: state === undefined ? 'off' : this.#isReading ? 'reading' : 'waiting',
      startedAt: state?.startedAt,
      part: partOf(state?.position ?? ''),
      ...(state?.counts ?? newCounts()),
      last: state?.last,
      error: this.#error,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the node stops'))
    await this.#running
    await this.#save().catch((error: unknown) => {
      this.#parts.log.warn({ err: error }, 'how far the scrub is could not be written')
    })
  }

  /** Never fails: what goes wrong is told, and tried again. */
  async #run(state: ScrubState, interval: number): Promise<void> {
    const { signal } = this.#stop
    for (let wait = FIRST_AFTER; !signal.aborted; wait = AGAIN) {
      try {
        await this.#clock.sleep(wait, signal)
        for (;;) await this.#round(state, interval, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#error = error instanceof Error ? error.message : String(error)
        this.#parts.log.error({ err: error }, 'blocks could not be looked at for damage')
      }
    }
  }

  async #round(state: ScrubState, interval: number, signal: AbortSignal): Promise<void> {
    for await (const hash of this.#stored.hashes({ after: state.position, signal })) {
      await this.#until(state, interval, partOf(hash), signal)
      await this.#idle(signal)
      const { bytes, took } = await this.#block(hash, state.counts, signal)
      state.position = hash
      this.#error = undefined
      if (this.#clock.now() - this.#savedAt >= SAVE_EVERY) await this.#save()
      const rest = Math.max((bytes / this.#parts.rate) * SECOND - took, took * RESTS)
      await this.#clock.sleep(Math.ceil(rest), signal)
    }
    await this.#until(state, interval, 1, signal)
    await this.#end(state)
  }

  /** Waits for the time at which this part of a round should be done. */
  async #until(
    state: ScrubState,
    interval: number,
    part: number,
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      const now = this.#clock.now()
      // The clock was set back: the round goes on from where it is.
      if (now < state.startedAt) state.startedAt = now - interval * partOf(state.position)
      const left = state.startedAt + interval * part - now
      if (left <= 0) return
      await this.#clock.sleep(Math.min(left, SLEEP), signal)
    }
  }

  /** Waits while others need the disk, but not for ever. */
  async #idle(signal: AbortSignal): Promise<void> {
    const { isPaused, isBusy = isDiskBusy } = this.#parts
    for (let waited = 0; ; waited += BUSY_LOOK) {
      const isOver = waited >= BUSY_MOST || !(await isBusy())
      if (!isPaused() && isOver) return
      await this.#clock.sleep(BUSY_LOOK, signal)
    }
  }

  async #block(
    hash: string,
    counts: ScrubCounts,
    signal: AbortSignal,
  ): Promise<{ bytes: number; took: number }> {
    const cid = cidFromHash(RAW, Buffer.from(hash, 'hex'))
    const begun = performance.now()
    this.#isReading = true
    try {
      const found = await lookAt(this.#stored, cid)
      const took = performance.now() - begun
      if (found instanceof MissingBlockError) return { bytes: 0, took } // collected since it was listed
      counts.blocks++
      if (found instanceof Error) {
        await this.#damaged(cid, found, counts, signal)
        return { bytes: 0, took }
      }
      counts.bytes += found.length
      this.#parts.healer.isWhole(cid)
      return { bytes: found.length, took }
    } finally {
      this.#isReading = false
    }
  }

  async #damaged(
    cid: CID,
    failure: Error,
    counts: ScrubCounts,
    signal: AbortSignal,
  ): Promise<void> {
    const { blocks, healer, log } = this.#parts
    log.warn({ block: cid.toString(), err: failure }, 'a block is damaged, and is set aside')
    await this.#stored.setAside(cid)
    try {
      // What no tree ever linked nobody else has, and nobody needs.
      if (!(await blocks.isLinked(cid))) throw failure
      await healer.heal(cid, failure, { signal })
      counts.healed++
    } catch (error) {
      signal.throwIfAborted()
      if (!isDamage(error)) throw error
      counts.damaged++
    }
  }

  async #end(state: ScrubState): Promise<void> {
    const now = this.#clock.now()
    state.last = {
      ...state.counts,
      startedAt: new Date(state.startedAt).toISOString(),
      endedAt: new Date(now).toISOString(),
    }
    Object.assign(state, { startedAt: now, position: '', counts: newCounts() })
    await this.#save()
    this.#parts.log.info(state.last, 'all blocks were looked at for damage')
  }

  async #save(): Promise<void> {
    if (this.#state === undefined) return
    this.#savedAt = this.#clock.now()
    await saveScrub(this.#parts.map, this.#state)
  }
}

/** How much of all hashes is before this one. */
function partOf(hash: string): number {
  return hash === '' ? 0 : Number.parseInt(hash.slice(0, 12), 16) / 2 ** 48
}
