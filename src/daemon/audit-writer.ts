import { errorCode } from '../ipfs/errors.ts'
import { auditLine } from './audit-line.ts'
import type { Logger } from 'pino'
import type { AuditEntry } from '../api/audit.ts'
import type { AuditFile } from './audit-file.ts'
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

interface Waiting {
  readonly line: string
  readonly written: () => void
}

/** What it writes to, and whom it tells that it cannot. */
export interface AuditWriterParts {
  readonly file: Pick<AuditFile, 'append' | 'sync' | 'close'>
  readonly log: Pick<Logger, 'error' | 'info'>
  readonly stallMs?: number
}

/**
 * Writes lines to a file of the audit log. A line is with the system before the answer that it tells of goes out, so it
 * survives this process; it is synced within a second, and what the power cut takes of it is still in the registry's own
 * history.
 *
 * While the file cannot be written, requests go on: deletes are what frees a full disk. The log and the readiness say so,
 * lines wait in memory, and those beyond a bound are counted; the file tells of them as soon as it can be written again.
 */
export class AuditWriter implements AsyncDisposable {
  readonly #parts: AuditWriterParts
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #sync: NodeJS.Timeout | undefined
  #failure: string | undefined
  #complainedAt = -Infinity
  /** Lost since the file could be written, and since the start. */
  #lost = 0
  #lostInAll = 0

  constructor(parts: AuditWriterParts) {
    this.#parts = parts
  }

  /** Whoever writes a line waits for it, so that there are never more than requests; but not for a failing disk. */
  write(entry: AuditEntry | AuditGap): Promise<void> {
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

  /** For the status. */
  status(): { error: string | null; lost: number } {
    return { error: this.#failure ?? null, lost: this.#lostInAll }
  }

  /** Writes what waits, syncs and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#retry)
    clearTimeout(this.#sync)
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
    if (count > 0) void this.write({ action: 'lost', count })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
