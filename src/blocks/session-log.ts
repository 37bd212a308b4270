import { truncate } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { syncDirectory, writeWhole } from './files.ts'
import { Gate } from './gate.ts'
import { appendRecords, encodeRecords, recordBytes, recordsOf, repairLog } from './upload-log.ts'
import type { LocatedRecord, UploadRecord } from './upload-log.ts'

/** Useless bytes in a log, beyond which it is written anew. */
const WASTE_LIMIT = 8 * 1024 * 1024

/** What is read of logs may be as large as a leaf: of many at once, so many at a time (promise I8). */
const reading = new Gate(8)

/**
 * The log of one session, for the one who writes it: it knows where the bytes after the last leaf are, so that they can be
 * had without the rest. After an error its memory is in doubt, and {@link leaves} must be called again.
 */
export class SessionLog {
  readonly #path: string
  #end = 0
  /** Where the first record after that of the last leaf begins. */
  #tailAt = 0
  #tailBytes = 0
  /** Bytes that no one will read again. */
  #wasted = 0

  constructor(path: string) {
    this.#path = path
  }

  /** Bytes after the last leaf. */
  get tailBytes(): number {
    return this.#tailBytes
  }

  /** Goes through the leaves from the first one on, when a last record that is not whole has been cut off. */
  async *leaves(): AsyncGenerator<Extract<UploadRecord, { type: 'leaf' }> & { start: number }> {
    await reading.run(() => repairLog(this.#path))
    this.#end = this.#tailAt = this.#tailBytes = this.#wasted = 0
    for await (const records of recordsOf(this.#path))
      for (const located of records) {
        this.#count(located)
        const { record, start } = located
        if (record.type === 'leaf') yield { ...record, start }
      }
  }

  #count({ record, end }: LocatedRecord): void {
    this.#end = end
    if (record.type === 'bytes') {
      this.#tailBytes += record.bytes.length
      return
    }
    this.#wasted += this.#tailBytes
    this.#tailBytes = 0
    this.#tailAt = end
  }

  /** Drops the record that begins at `start`, and all behind it. */
  async cut(start: number): Promise<void> {
    await truncate(this.#path, start)
  }

  /**
   * The bytes after the last leaf, in parts.
   *
   * @throws Error when they are not there any more
   */
  async tail(take: (bytes: Uint8Array) => void): Promise<void> {
    await reading.run(async () => {
      let left = this.#tailBytes
      for await (const records of recordsOf(this.#path, this.#tailAt))
        for (const { record } of records)
          if (record.type === 'bytes') {
            left -= record.bytes.length
            take(record.bytes)
          }
      if (left !== 0) throw new Error(`the log ${this.#path} has lost its end`)
    })
  }

  /**
   * Adds to the log; durable when it returns. Bytes that were kept for a leaf that has since filled are of no use any more;
   * when there are too many of them, the log is written anew without them, so that it never grows with the size of the
   * upload alone.
   *
   * @param leaves that are stored since the last call
   * @param tail all bytes after the last leaf
   */
  async add(leaves: readonly Uint8Array[], tail: Uint8Array): Promise<void> {
    const known = leaves.length > 0 ? 0 : this.#tailBytes
    const records: UploadRecord[] = leaves.map((hash) => ({ type: 'leaf', hash }))
    if (tail.length > known) records.push({ type: 'bytes', bytes: tail.subarray(known) })
    if (records.length === 0) return
    await appendRecords(this.#path, records)
    for (const record of records) {
      const start = this.#end
      this.#count({ record, start, end: start + recordBytes(record) })
    }
    if (this.#wasted >= WASTE_LIMIT) await this.#renew(tail)
  }

  async #renew(tail: Uint8Array): Promise<void> {
    const kept: UploadRecord[] = []
    await reading.run(async () => {
      for await (const records of recordsOf(this.#path))
        for (const { record } of records)
          if (record.type === 'leaf')
            kept.push({ type: 'leaf', hash: Uint8Array.from(record.hash) })
          else if (record.type === 'header') kept.push(record)
    })
    const whole = encodeRecords(kept)
    const bytes: UploadRecord[] = tail.length > 0 ? [{ type: 'bytes', bytes: tail }] : []
    const end = encodeRecords(bytes)
    await writeWhole(dirname(this.#path), basename(this.#path), Buffer.concat([whole, end]))
    await syncDirectory(dirname(this.#path))
    this.#wasted = 0
    this.#tailAt = whole.length
    this.#end = whole.length + end.length
  }
}
