import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { tryParseName } from '../oci/name.ts'
import { isNotFound, writeNew } from './files.ts'
import { uploadRoom } from './leaf-room.ts'
import { makeDirectories } from './make-directories.ts'
import { DiskUpload } from './disk-upload.ts'
import { uploadBlocks } from './upload-blocks.ts'
import { bytesKept, damagedAt, encodeRecords, readHeader, readLog } from './upload-log.ts'
import type { BlockStore } from './block-store.ts'
import type { LeafRoom } from './leaf-room.ts'
import type { UploadRecord } from './upload-log.ts'
import type { Abortable, Upload, UploadInfo, UploadStore } from '../registry/ports.ts'

type StoredUpload = Awaited<ReturnType<UploadStore['list']>>[number]

/** A session's id is a file name here, so nothing else may reach the disk. */
const ID = /^[0-9a-f-]{16,64}$/

/** A session as it is on disk. */
export interface StoredSession {
  readonly id: string
  /** Hashes of the blocks that its log names. */
  readonly leaves: readonly Uint8Array[]
  /** Whether its log begins as one does. */
  readonly isUsable: boolean
  /** Where its log is damaged, with more behind it that nobody will read; an offset. */
  readonly damagedAt: number | undefined
}

/** Upload sessions as one log file each, outside the tree: nothing of an unfinished upload is ever published. */
export class DiskUploadStore implements UploadStore {
  readonly #directory: string
  readonly #blocks: BlockStore

  readonly #room: LeafRoom

  private constructor(directory: string, blocks: BlockStore, room: LeafRoom) {
    this.#directory = directory
    this.#blocks = blocks
    this.#room = room
  }

  /** @param room where all of them have what is not on the disk yet */
  static async open(
    directory: string,
    blocks: BlockStore,
    room: LeafRoom = uploadRoom,
  ): Promise<DiskUploadStore> {
    await makeDirectories(directory, 0o700)
    return new DiskUploadStore(directory, blocks, room)
  }

  async create(info: UploadInfo): Promise<Upload> {
    if (!ID.test(info.id))
      throw new TypeError(`an upload id is hex digits and dashes, not ${info.id}`)
    const { id, name, startedAt, algorithm, owner } = info
    const json = { id, name, startedAt, algorithm, owner }
    const header = encodeRecords([{ type: 'header', json }])
    await writeNew(this.#directory, id, header)
    const upload = new DiskUpload(join(this.#directory, id), info, this.#blocks, this.#room)
    await upload.load()
    return upload
  }

  async open(id: string, options: Abortable = {}): Promise<Upload | undefined> {
    const info = await this.#info(id)
    if (info === undefined) return undefined
    const upload = new DiskUpload(join(this.#directory, id), info, this.#blocks, this.#room)
    await upload.load(options)
    return upload
  }

  async discard(id: string): Promise<void> {
    if (ID.test(id)) await rm(join(this.#directory, id), { force: true })
  }

  /** Those that are whole. What is left of one that a power cut tore at its beginning goes. */
  async list(): Promise<StoredUpload[]> {
    const names = await readdir(this.#directory)
    const stored = await Promise.all(names.map((name) => this.#stored(name)))
    return stored.filter((each) => each !== undefined)
  }

  async #stored(id: string): Promise<StoredUpload | undefined> {
    const info = await this.#info(id, { isTorn: 'discarded' })
    if (info === undefined) return undefined
    try {
      return { ...info, changedAt: (await stat(join(this.#directory, id))).mtimeMs }
    } catch (error) {
      if (isNotFound(error)) return undefined // it has ended
      throw error
    }
  }

  async sizeOf(id: string): Promise<number | undefined> {
    if (!ID.test(id)) return undefined
    try {
      return await bytesKept(join(this.#directory, id))
    } catch (error) {
      if (isNotFound(error)) return undefined // it has ended
      throw error
    }
  }

  /** How many sessions are on disk, without reading them. */
  async count(): Promise<number> {
    return (await readdir(this.#directory)).filter((name) => ID.test(name)).length
  }

  /** Names the blocks of every session that is on disk. @param onBlock gets the hash of each */
  async blocks(onBlock: (hash: Uint8Array) => void, options: Abortable = {}): Promise<void> {
    for (const id of await readdir(this.#directory)) {
      options.signal?.throwIfAborted()
      if (ID.test(id)) await uploadBlocks(join(this.#directory, id), onBlock)
    }
  }

  /** Whether a session is still there. */
  async has(id: string): Promise<boolean> {
    return ID.test(id) && (await readdir(this.#directory)).includes(id)
  }

  /** Every session on disk, for whoever checks them. */
  async *sessions({ signal }: Abortable = {}): AsyncGenerator<StoredSession> {
    for (const id of await readdir(this.#directory)) {
      signal?.throwIfAborted()
      const session = ID.test(id) ? await this.#session(id) : undefined
      if (session !== undefined) yield session
    }
  }

  async #session(id: string): Promise<StoredSession | undefined> {
    try {
      const path = join(this.#directory, id)
      const records = await readLog(path)
      const leaves = records.flatMap(({ record }) => (record.type === 'leaf' ? [record.hash] : []))
      // Of what was read: the session may end meanwhile, and be no damage.
      const isUsable = infoOf(id, records[0]?.record) !== undefined
      return { id, leaves, isUsable, damagedAt: isUsable ? await damagedAt(path) : undefined }
    } catch (error) {
      if (isNotFound(error)) return undefined // it has ended
      throw error
    }
  }

  async #info(
    id: string,
    { isTorn }: { isTorn?: 'discarded' } = {},
  ): Promise<UploadInfo | undefined> {
    if (!ID.test(id)) return undefined
    try {
      const header = await readHeader(join(this.#directory, id))
      if (header === undefined && isTorn === 'discarded') await this.discard(id)
      return infoOf(id, header)
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }
}

function infoOf(id: string, header: UploadRecord | undefined): UploadInfo | undefined {
  return header?.type === 'header' ? parseInfo(id, header.json) : undefined
}

/** A header that is not one of ours (another version's, or another id's) is no session of ours. */
function parseInfo(id: string, json: unknown): UploadInfo | undefined {
  const header = json as Partial<Record<keyof UploadInfo, unknown>> | null
  const name = tryParseName(header?.name)
  const { startedAt, algorithm, owner } = header ?? {}
  if (name === undefined || header?.id !== id || typeof startedAt !== 'number') return undefined
  if (algorithm !== 'sha256' && algorithm !== 'sha512') return undefined
  if (owner !== undefined && typeof owner !== 'string') return undefined
  return { id, name, startedAt, algorithm, ...(owner !== undefined && { owner }) }
}
