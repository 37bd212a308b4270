import { format, parse } from 'node:path'
import { StartError } from '../ipfs/errors.ts'
import { AuditFile } from './audit-file.ts'
import { Refusals } from './audit-refusals.ts'
import { AuditWriter } from './audit-writer.ts'
import type { Logger } from 'pino'
import type { AuditEntry, AuditSink } from '../api/audit.ts'
import type { Config } from '../config/schema.ts'
import type { AuditWriterParts } from './audit-writer.ts'

/** What is open here. */
export interface AuditLogParts extends Omit<AuditWriterParts, 'file'> {
  /** What was done. */
  readonly changes: AuditWriterParts['file']
  /** What was refused. */
  readonly refusals: AuditWriterParts['file']
  readonly pulls: boolean
}

/**
 * The audit log: a file of what was done, and beside it one of what was refused. Refusals cost their sender nothing; each
 * file is rotated by itself, so whatever strangers send, the changes stay.
 */
export class AuditLog implements AuditSink, AsyncDisposable {
  readonly pulls: boolean
  readonly #changes: AuditWriter
  readonly #refusals: AuditWriter
  readonly #refused = new Refusals(() => performance.now())

  constructor({ changes, refusals, pulls, ...parts }: AuditLogParts) {
    this.pulls = pulls
    this.#changes = new AuditWriter({ ...parts, file: changes })
    this.#refusals = new AuditWriter({ ...parts, file: refusals })
  }

  /**
   * Opens what the configuration names.
   *
   * @returns `undefined` when it names none
   * @throws StartError when a file cannot be written
   */
  static async open({ audit }: Config, log: Logger): Promise<AuditLog | undefined> {
    if (audit.file === null) return undefined
    const changes = await openFile(audit.file, audit)
    try {
      const refusals = await openFile(besides(audit.file), audit)
      return new AuditLog({ changes, refusals, pulls: audit.pulls, log })
    } catch (error) {
      await changes.close()
      throw error
    }
  }

  write(entry: AuditEntry): Promise<void> {
    this.#tellOmitted()
    const kind = this.#refused.kindOf(entry)
    if (kind === undefined) return this.#changes.write(entry)
    if (this.#refused.admits(kind, entry.address ?? '')) return this.#refusals.write(entry)
    return Promise.resolve()
  }

  /** For the status. */
  status(): { error: string | null; lost: number } {
    const [changes, refusals] = [this.#changes.status(), this.#refusals.status()]
    return { error: changes.error ?? refusals.error, lost: changes.lost + refusals.lost }
  }

  /** Writes what waits, syncs and closes the files. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#tellOmitted({ now: true })
    await Promise.all([this.#changes[Symbol.asyncDispose](), this.#refusals[Symbol.asyncDispose]()])
  }

  #tellOmitted(options?: { now: boolean }): void {
    for (const { kind, count } of this.#refused.omitted(options))
      void this.#refusals.write({ action: 'refusals-omitted', kind, count })
  }
}

/** The file of refusals: `audit.refusals.log` beside `audit.log`, so that one pattern finds both. */
function besides(path: string): string {
  const { dir, name, ext } = parse(path)
  return format({ dir, name: `${name}.refusals`, ext })
}

async function openFile(path: string, options: Config['audit']): Promise<AuditFile> {
  const file = new AuditFile(path, options)
  try {
    await file.open()
    return file
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartError(
      `audit.file ${path} cannot be written (${reason}): make its directory, or choose another`,
      { cause: error },
    )
  }
}
