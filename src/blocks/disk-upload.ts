import { rm } from 'node:fs/promises'
import { algorithmOf } from '../oci/digest.ts'
import { DamagedBlockError } from './block-store.ts'
import { CHUNK_BYTES } from './chunking.ts'
import { RAW, cidFromHash } from './cids.ts'
import { tooLarge } from './content-store.ts'
import { FileWriter } from './file-writer.ts'
import { Gate, together } from './gate.ts'
import { SessionLog } from './session-log.ts'
import type { BlockStore } from './block-store.ts'
import type { Digest, DigestAlgorithm } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Abortable, StoredContent, Upload, UploadInfo } from '../registry/ports.ts'
import type { LeafRoom } from './leaf-room.ts'

/** Leaves that are read again, of uploads that are taken up after a restart: so many at a time (promise I8). */
const rereading = new Gate(8)

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
  readonly #log: SessionLog
  readonly #blocks: BlockStore
  /** The content as far as it came; `undefined` until the log has been read again. */
  #writer: FileWriter | undefined
  /** Leaves stored since the last log entry. */
  #newLeaves: Uint8Array[] = []
  /** The bytes after the last leaf are in the log alone: so it is between two requests, and when others need the room. */
  #isDown = false
  #size = 0
  /** What is done with the writer, one after the other. */
  #turn: Promise<unknown> = Promise.resolve()
  readonly #room: LeafRoom

  constructor(path: string, info: UploadInfo, blocks: BlockStore, room: LeafRoom) {
    this.#path = path
    this.#log = new SessionLog(path)
    this.#blocks = blocks
    this.#room = room
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
  }

  async append(
    source: AsyncIterable<Uint8Array>,
    options: Abortable & { limit?: number | undefined } = {},
  ): Promise<void> {
    // Leaves are in the log, where the collector sees them, only at the end.
    using _ = this.#blocks.hold?.()
    const writer = await this.#alone(() => this.#ready(options))
    const limit = options.limit ?? Infinity
    try {
      for await (const bytes of source) {
        if (writer.size + bytes.length > limit) throw tooLarge(limit)
        await this.#alone(() => this.#write(writer, bytes, options))
      }
    } finally {
      await this.#alone(() => this.#keep(writer)) // also what came before the source failed
    }
  }

  finish(expected: Digest, options: Abortable = {}): Promise<StoredContent> {
    return this.#alone(async () => {
      // A digest under the other algorithm costs a second pass over what is stored.
      const same = algorithmOf(expected) === this.algorithm
      using writer = same
        ? await this.#ready(options)
        : await this.#rebuild(algorithmOf(expected), options)
      this.#writer = undefined // a hash ends once; if this must be tried again, it starts from the log
      await this.#restore(writer, options)
      return await writer.finish(expected)
    })
  }

  async discard(): Promise<void> {
    this.#writer = undefined
    await rm(this.#path, { force: true })
  }

  /** Between two writes the room may want the leaf back: that must not meet a write. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined) // its caller has the error
    return done
  }

  async #ready(options: Abortable): Promise<FileWriter> {
    if (this.#writer === undefined) await this.load(options)
    const writer = this.#writer
    if (writer === undefined) throw new Error('load() leaves a writer')
    return writer
  }

  async #write(writer: FileWriter, bytes: Uint8Array, options: Abortable): Promise<void> {
    const { signal } = options
    await this.#restore(writer, { signal })
    await writer.write(bytes, { signal })
  }

  /** Puts the tail back in place, so that the writer can go on. */
  async #restore(writer: FileWriter, options: Abortable): Promise<void> {
    if (!this.#isDown) return
    const { tailBytes } = this.#log
    await writer.restoreTail(tailBytes, (take) => this.#log.tail(take), options)
    this.#isDown = false
  }

  /** The client is slow, and others wait for room: what came of the leaf goes into the log. */
  async #putDown(): Promise<void> {
    const writer = this.#writer
    if (writer === undefined || this.#isDown || writer.tail.length === 0) return
    try {
      await this.#remember(writer)
      writer.releaseTail(true)
    } catch (error) {
      writer.fail(error) // whoever writes to it is told
      writer.releaseTail()
    }
  }

  /**
   * Makes what the writer has durable: its leaves, and the log that names them, at once; a leaf that the log names and the
   * store has lost is sent again. Any error on the way leaves the memory in doubt, so it is dropped and the log decides.
   */
  async #keep(writer: FileWriter): Promise<void> {
    using _ = writer
    try {
      await writer.settle()
      await together(this.#blocks.sync(), this.#remember(writer))
      this.#size = writer.size
      writer.releaseTail()
    } catch (error) {
      this.#writer = undefined
      throw error
    }
  }

  /** Brings the log up to what the writer has. */
  async #remember(writer: FileWriter): Promise<void> {
    await writer.settle()
    if (this.#isDown) return // it is
    await this.#log.add(this.#newLeaves, writer.tail)
    this.#newLeaves = []
    this.#isDown = writer.tail.length > 0
  }

  /** A writer that has been given everything the log names and the store still has; the tail stays in the log. */
  async #rebuild(algorithm: DigestAlgorithm, options: Abortable): Promise<FileWriter> {
    this.#newLeaves = []
    const writer = new FileWriter(this.#blocks, algorithm, {
      onLeaf: (hash) => this.#newLeaves.push(hash),
      room: this.#room,
      putDown: () => void this.#alone(() => this.#putDown()),
    })
    for await (const { hash, start } of this.#log.leaves()) {
      const isThere = await rereading.run(async () => {
        const bytes = await this.#leaf(hash, options)
        if (bytes !== undefined) await writer.resume(hash, bytes)
        return bytes !== undefined
      })
      if (isThere) continue
      // The offset falls back to the first leaf that is missing; what came after it must be sent again.
      await this.#log.cut(start)
      return this.#rebuild(algorithm, options)
    }
    await this.#log.tail((bytes) => writer.countTail(bytes))
    this.#isDown = this.#log.tailBytes > 0
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
