import { rm, truncate } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { algorithmOf } from '../oci/digest.ts'
import { DamagedBlockError } from './block-store.ts'
import { CHUNK_BYTES } from './chunking.ts'
import { RAW, cidFromHash } from './cids.ts'
import { tooLarge } from './content-store.ts'
import { FileWriter } from './file-writer.ts'
import { syncDirectory, writeWhole } from './files.ts'
import { together } from './gate.ts'
import { appendRecords, encodeRecords, readLog, repairLog } from './upload-log.ts'
import type { BlockStore } from './block-store.ts'
import type { Digest, DigestAlgorithm } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Abortable, StoredContent, Upload, UploadInfo } from '../registry/ports.ts'
import type { LocatedRecord, UploadRecord } from './upload-log.ts'

/** Useless bytes in a log, beyond which it is written anew. */
const WASTE_LIMIT = 8 * 1024 * 1024

/**
 * One upload session: leaves go into the block store as they fill, and the log remembers their hashes and the bytes
 * after the last of them. Node cannot export a hash's state, so a session that is taken up again (after a restart, or
 * after any error that left the memory in doubt) reads its leaves again; the log is the only truth.
 */
export class DiskUpload implements Upload {
  readonly id: string
  readonly name: RepositoryName
  readonly startedAt: number
  readonly algorithm: DigestAlgorithm
  readonly owner: string | undefined
  readonly #path: string
  readonly #blocks: BlockStore
  /** The content as far as it came; `undefined` until the log has been read again. */
  #writer: FileWriter | undefined
  /** Leaves stored since the last log entry. */
  #newLeaves: Uint8Array[] = []
  /** The bytes after the last leaf that are in the log: the writer does not hold them between two requests. */
  #tailBytes = 0
  /** Bytes in the log that no one will read again. */
  #wasted = 0
  #size = 0

  constructor(path: string, info: UploadInfo, blocks: BlockStore) {
    this.#path = path
    this.#blocks = blocks
    this.id = info.id
    this.name = info.name
    this.startedAt = info.startedAt
    this.algorithm = info.algorithm
    this.owner = info.owner
  }

  get size(): number {
    return this.#size
  }

  /** Reads the log and what it names, so that {@link size} is true. */
  async load(options: Abortable = {}): Promise<void> {
    this.#writer = await this.#rebuild(this.algorithm, options)
    this.#size = this.#writer.size
    this.#tailBytes = this.#writer.tail.length
    this.#newLeaves = []
    this.#writer.releaseTail()
  }

  async append(
    source: AsyncIterable<Uint8Array>,
    options: Abortable & { limit?: number | undefined } = {},
  ): Promise<void> {
    // Leaves are in the log, where the collector sees them, only at the end.
    using _ = this.#blocks.hold?.()
    const writer = await this.#ready(options)
    const limit = options.limit ?? Infinity
    try {
      for await (const bytes of source) {
        if (writer.size + bytes.length > limit) throw tooLarge(limit)
        await writer.write(bytes)
      }
    } finally {
      await this.#keep(writer) // also what came before the source failed
    }
  }

  async finish(expected: Digest, options: Abortable = {}): Promise<StoredContent> {
    // A digest under the other algorithm costs a second pass over what is stored.
    const same = algorithmOf(expected) === this.algorithm
    const writer = same
      ? await this.#ready(options)
      : await this.#rebuild(algorithmOf(expected), options)
    this.#writer = undefined // a hash ends once; if this must be tried again, it starts from the log
    return writer.finish(expected)
  }

  async discard(): Promise<void> {
    this.#writer = undefined
    await rm(this.#path, { force: true })
  }

  /** The writer with its tail in place, ready for more. */
  async #ready(options: Abortable): Promise<FileWriter> {
    if (this.#writer === undefined) await this.load(options)
    const writer = this.#writer
    if (writer === undefined) throw new Error('load() leaves a writer')
    if (this.#tailBytes > 0) writer.restoreTail(tailOf(await readLog(this.#path)))
    return writer
  }

  /**
   * Makes what the writer has durable: its leaves, and the log that names them, at once; a leaf that the log names and the
   * store has lost is sent again. Any error on the way leaves the memory in doubt, so it is dropped and the log decides.
   */
  async #keep(writer: FileWriter): Promise<void> {
    try {
      await writer.settle()
      const tail = writer.tail
      const known = this.#newLeaves.length > 0 ? 0 : this.#tailBytes
      const records: UploadRecord[] = this.#newLeaves.map((hash) => ({ type: 'leaf', hash }))
      if (tail.length > known) records.push({ type: 'bytes', bytes: tail.subarray(known) })
      const logging = records.length > 0 ? this.#log(records, tail) : Promise.resolve()
      await together(this.#blocks.sync(), logging)
      this.#size = writer.size
      this.#tailBytes = tail.length
      this.#newLeaves = []
      writer.releaseTail()
    } catch (error) {
      this.#writer = undefined
      throw error
    }
  }

  /**
   * Adds to the log. Bytes that were kept for a leaf that has since filled are of no use any more; when there are too
   * many of them, the log is written anew without them, so that it never grows with the size of the upload alone.
   */
  async #log(records: readonly UploadRecord[], tail: Uint8Array): Promise<void> {
    await appendRecords(this.#path, records)
    this.#wasted += records.some(({ type }) => type === 'leaf') ? this.#tailBytes : 0
    if (this.#wasted < WASTE_LIMIT) return
    const kept = (await readLog(this.#path)).flatMap(({ record }) =>
      record.type === 'bytes' ? [] : [record],
    )
    const bytes: UploadRecord[] = tail.length > 0 ? [{ type: 'bytes', bytes: tail }] : []
    await writeWhole(dirname(this.#path), basename(this.#path), encodeRecords([...kept, ...bytes]))
    await syncDirectory(dirname(this.#path))
    this.#wasted = 0
  }

  /** A writer that has been given everything the log names and the store still has. */
  async #rebuild(algorithm: DigestAlgorithm, options: Abortable): Promise<FileWriter> {
    const writer = new FileWriter(this.#blocks, algorithm, (hash) => this.#newLeaves.push(hash))
    const log = await repairLog(this.#path)
    for (const { record, start } of log) {
      if (record.type !== 'leaf') continue
      const bytes = await this.#leaf(record.hash, options)
      if (bytes === undefined) {
        // The offset falls back to the first leaf that is missing; what came after it must be sent again.
        await truncate(this.#path, start)
        return this.#rebuild(algorithm, options)
      }
      await writer.resume(record.hash, bytes)
    }
    await writer.write(tailOf(log))
    return writer
  }

  async #leaf(hash: Uint8Array, options: Abortable): Promise<Uint8Array | undefined> {
    try {
      const bytes = await this.#blocks.get(cidFromHash(RAW, hash), options)
      return bytes?.length === CHUNK_BYTES ? bytes : undefined
    } catch (error) {
      if (error instanceof DamagedBlockError) return undefined // sent again, it is mended
      throw error
    }
  }
}

/** The bytes recorded after the last whole leaf. */
function tailOf(log: readonly LocatedRecord[]): Uint8Array {
  const last = log.findLastIndex(({ record }) => record.type === 'leaf')
  const parts = log
    .slice(last + 1)
    .flatMap(({ record }) => (record.type === 'bytes' ? [record.bytes] : []))
  return Buffer.concat(parts)
}
