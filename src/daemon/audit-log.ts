import { StartError, errorCode } from '../ipfs/errors.ts'
import { AuditFile } from './audit-file.ts'
import { auditLine } from './audit-line.ts'
import { RefusalBound } from './audit-refusals.ts'
import type { Logger } from 'pino'
import type { AuditEntry, AuditSink } from '../api/audit.ts'
import type { Config } from '../config/schema.ts'
import type { AuditGap } from './audit-line.ts'

/** Lines that wait while the file cannot be written; more are lost, and counted. */
const MOST_WAITING = 4096
/** Lines that are written at once. */
const BATCH = 256
/** Ms from a line to the sync that makes it survive the power failing, and from a failure to the next attempt. */
const SYNC_MS = 1000
const RETRY_MS = 1000
/** A disk that takes longer for a line has failed, for those who wait for it. */
const STALL_MS = 5000
/** The operator hears of a failure that goes on once in so many ms. */
const COMPLAIN_MS = 60_000

const REFUSALS = new Set<AuditEntry['action']>(['login-failed', 'denied', 'rate-limited'])

interface Waiting {
  readonly line: string
  readonly written: () => void
}

/** What is open here, in place of the real ones. */
export interface AuditLogParts {
  readonly file: Pick<AuditFile, 'append' | 'sync' | 'close'>
  readonly pulls: boolean
  readonly log: Pick<Logger, 'error' | 'info'>
  readonly stallMs?: number
}

/**
 * The audit log. A line is with the system before the answer that it tells of goes out, so it survives this process; it
 * is synced within a second, and what the power cut takes of it is still in the registry's own history.
 *
 * While the file cannot be written, requests go on: deletes are what frees a full disk. The log and the readiness say so,
 * lines wait in memory, and those beyond a bound are counted; the file tells of them as soon as it can be written again.
 */
export class AuditLog implements AuditSink, AsyncDisposable {
  readonly pulls: boolean
  readonly #parts: AuditLogParts
  readonly #refusals = new RefusalBound(() => performance.now())
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #sync: NodeJS.Timeout | undefined
  #failure: string | undefined
  #complainedAt = -Infinity
  /** Lost since the file could be written, and since the start. */
  #lost = 0
  #lostInAll = 0

  constructor(parts: AuditLogParts) {
    this.#parts = parts
    this.pulls = parts.pulls
  }

  /**
   * Opens what the configuration names.
   *
   * @returns `undefined` when it names none
   * @throws StartError when the file cannot be written
   */
  static async open({ audit }: Config, log: Logger): Promise<AuditLog | undefined> {
    if (audit.file === null) return undefined
    const file = new AuditFile(audit.file, audit)
    try {
      await file.open()
    } catch (error) {
      throw new StartError(
        `audit.file ${audit.file} cannot be written (${messageOf(error)}): make its directory, or choose another`,
        { cause: error },
      )
    }
    return new AuditLog({ file, pulls: audit.pulls, log })
  }

  write(entry: AuditEntry): Promise<void> {
    this.#tellOmitted()
    if (REFUSALS.has(entry.action) && !this.#refusals.admits(entry.address ?? ''))
      return Promise.resolve()
    return this.#put(entry)
  }

  /** For the status. */
  status(): { error: string | null; lost: number } {
    return { error: this.#failure ?? null, lost: this.#lostInAll }
  }

  /** Writes what waits, syncs and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#retry)
    clearTimeout(this.#sync)
    this.#tellOmitted({ now: true })
    const done = this.#finish()
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, this.#stallMs)
    await Promise.race([done, late.promise])
    clearTimeout(timer)
    if (this.#waiting.length > 0)
      this.#parts.log.error({ lines: this.#waiting.length }, 'lines of the audit log are lost')
  }

  async #finish(): Promise<void> {
    await this.#running
    await this.#run()
    clearTimeout(this.#retry)
    clearTimeout(this.#sync)
    await this.#attempt(() => this.#parts.file.sync())
    await this.#attempt(() => this.#parts.file.close())
  }

  get #stallMs(): number {
    return this.#parts.stallMs ?? STALL_MS
  }

  #tellOmitted(options?: { now: boolean }): void {
    const count = this.#refusals.omitted(options)
    if (count > 0) void this.#put({ action: 'refusals-omitted', count })
  }

  /** Whoever puts a line there waits for it, so that there are never more than requests; but not for a failing disk. */
  #put(entry: AuditEntry | AuditGap): Promise<void> {
    const failing = this.#failure !== undefined
    if (failing && this.#waiting.length >= MOST_WAITING) {
      this.#lost++
      this.#lostInAll++
      return Promise.resolve()
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push({ line: auditLine(entry, new Date()), written: resolve })
    if (failing) resolve()
    else void this.#run()
    return promise
  }

  #run(): Promise<void> {
    if (this.#running !== undefined) return this.#running
    if (this.#waiting.length === 0) return Promise.resolve()
    return (this.#running = this.#writeAll())
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH)
      const lines = batch.map(({ line }) => line).join('')
      const stalled = setTimeout(() => this.#fail('the disk does not answer'), this.#stallMs)
      const isWritten = await this.#attempt(() => this.#parts.file.append(lines))
      clearTimeout(stalled)
      if (!isWritten) {
        this.#retry = setTimeout(() => void this.#run(), RETRY_MS).unref()
        break
      }
      this.#waiting.splice(0, batch.length)
      for (const { written } of batch) written()
      this.#recover()
      this.#sync ??= setTimeout(() => void this.#syncNow(), SYNC_MS).unref()
    }
    // Not after this has resolved: a line that came in between would wait for nobody.
    this.#running = undefined
  }

  async #syncNow(): Promise<void> {
    this.#sync = undefined
    await this.#attempt(() => this.#parts.file.sync())
  }

  /** @returns whether the system could do it */
  async #attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      // Anything else would be a mistake of ours.
      if (errorCode(error) === undefined) throw error
      this.#fail(messageOf(error))
      return false
    }
  }

  #fail(why: string): void {
    this.#failure = why
    for (const { written } of this.#waiting) written()
    if (performance.now() - this.#complainedAt < COMPLAIN_MS) return
    this.#complainedAt = performance.now()
    this.#parts.log.error(
      { reason: why, lost: this.#lost },
      'the audit log cannot be written: requests go on, their lines wait in memory',
    )
  }

  #recover(): void {
    if (this.#failure === undefined) return
    this.#failure = undefined
    this.#complainedAt = -Infinity
    const count = this.#lost
    this.#lost = 0
    this.#parts.log.info({ lost: count }, 'the audit log can be written again')
    if (count > 0) void this.#put({ action: 'lost', count })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
