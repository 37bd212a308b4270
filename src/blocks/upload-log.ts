import { constants, open, readFile, stat, truncate } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { CHUNK_BYTES } from './chunking.ts'
import { sha256 } from './cids.ts'
import type { FileHandle } from 'node:fs/promises'

/**
 * The file of one upload session: a header, then what was kept, in the order it came. Only ever appended to, so that
 * a 202 costs one sync however long the upload is.
 *
 * A record is: type (1 byte), length of the payload (4 bytes, big endian), payload, first 8 bytes of the sha2-256 of
 * all that. The first record that is not whole ends the file: it was being written when the process or machine died.
 */
export type UploadRecord =
  /** The session itself, as JSON. Always and only the first record. */
  | { type: 'header'; json: unknown }
  /** A whole leaf was stored in the block store; the bytes recorded before it are in it. */
  | { type: 'leaf'; hash: Uint8Array }
  /** Bytes after the last whole leaf. */
  | { type: 'bytes'; bytes: Uint8Array }

const TYPES = { header: 0x48, leaf: 0x4c, bytes: 0x42 } as const
const PREFIX = 5
const CHECKSUM = 8

/** No record of bytes is larger than a leaf. */
const MOST_RECORD_BYTES = PREFIX + CHUNK_BYTES + CHECKSUM
/** So much of a log is read and checked before others have their turn: 1,400 leaves, about 5 ms. */
const WINDOW_BYTES = 64 * 1024

/** Encodes records for appending. */
export function encodeRecords(records: readonly UploadRecord[]): Buffer {
  return Buffer.concat(records.flatMap(encodeRecord))
}

/** Bytes that a record has in the log. */
export function recordBytes(record: UploadRecord): number {
  return PREFIX + payloadOf(record).length + CHECKSUM
}

/** In parts, of which the payload is no copy. */
function encodeRecord(record: UploadRecord): Uint8Array[] {
  const payload = payloadOf(record)
  const prefix = Buffer.alloc(PREFIX)
  prefix.writeUInt8(TYPES[record.type], 0)
  prefix.writeUInt32BE(payload.length, 1)
  const sum = createHash('sha256').update(prefix).update(payload).digest()
  return [prefix, payload, sum.subarray(0, CHECKSUM)]
}

function payloadOf(record: UploadRecord): Uint8Array {
  if (record.type === 'header') return Buffer.from(JSON.stringify(record.json))
  return record.type === 'leaf' ? record.hash : record.bytes
}

/** A record, and where it stands in the file. */
export interface LocatedRecord {
  record: UploadRecord
  /** Offset of its first byte. */
  start: number
  /** Offset of the first byte after the record. */
  end: number
}

/** Reads a part of a log up to its first record that is not whole. @param base where the part stands in the log */
function decodeRecords(file: Buffer, base = 0): LocatedRecord[] {
  const found: LocatedRecord[] = []
  let offset = 0
  for (;;) {
    const next = decodeRecord(file, offset)
    if (next === undefined) return found
    found.push({ ...next, start: base + next.start, end: base + next.end })
    offset = next.end
  }
}

function decodeRecord(file: Buffer, offset: number): LocatedRecord | undefined {
  if (file.length < offset + PREFIX) return undefined
  const payloadEnd = offset + PREFIX + file.readUInt32BE(offset + 1)
  const end = payloadEnd + CHECKSUM
  if (file.length < end) return undefined
  const sum = sha256(file.subarray(offset, payloadEnd)).subarray(0, CHECKSUM)
  if (!file.subarray(payloadEnd, end).equals(sum)) return undefined
  const record = recordOf(file.readUInt8(offset), file.subarray(offset + PREFIX, payloadEnd))
  return record === undefined ? undefined : { record, start: offset, end }
}

function recordOf(type: number, payload: Buffer): UploadRecord | undefined {
  if (type === TYPES.header) return headerOf(payload)
  if (type === TYPES.leaf && payload.length === 32) return { type: 'leaf', hash: payload }
  return type === TYPES.bytes ? { type: 'bytes', bytes: payload } : undefined
}

function headerOf(payload: Buffer): UploadRecord | undefined {
  try {
    return { type: 'header', json: JSON.parse(payload.toString('utf8')) }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined // not written by us, whatever its checksum says
    throw error
  }
}

/** What is written at once: many small records together, and of a large one no copy. */
function* partsOf(records: readonly UploadRecord[]): Generator<Uint8Array> {
  const isLarge = (record: UploadRecord): boolean =>
    record.type === 'bytes' && record.bytes.length > WINDOW_BYTES
  yield encodeRecords(records.filter((record) => !isLarge(record)))
  for (const record of records) if (isLarge(record)) yield* encodeRecord(record)
}

/** Appends records and returns when they are safe on disk. */
export async function appendRecords(path: string, records: readonly UploadRecord[]): Promise<void> {
  // Not 'a', which would make a log without a header of one that was removed.
  const handle = await open(path, constants.O_WRONLY | constants.O_APPEND)
  try {
    await handle.writeFile(partsOf(records))
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

/** More than any header has. */
const HEADER_BYTES = 4096

/** Reads only the first record of a log, which is the header. `undefined` when it is not whole. */
export async function readHeader(path: string): Promise<UploadRecord | undefined> {
  const handle = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0)
    return decodeRecord(buffer.subarray(0, bytesRead), 0)?.record
  } finally {
    await handle.close()
  }
}

/** How many bytes the log of a session has kept, if all its leaves are there. */
export async function bytesKept(path: string): Promise<number> {
  let [leaves, tail] = [0, 0]
  for await (const records of recordsOf(path))
    for (const { record } of records) {
      if (record.type === 'bytes') tail += record.bytes.length
      if (record.type !== 'leaf') continue
      leaves++
      tail = 0 // they are in the leaf
    }
  return leaves * CHUNK_BYTES + tail
}

/**
 * Where a log is damaged although whole records follow: what was torn while it was written is at the end. A record that
 * comes after is looked for at each place where one could begin.
 *
 * @returns an offset; `undefined` when it is not damaged, or at its end only
 */
export async function damagedAt(path: string): Promise<number | undefined> {
  const file = await readFile(path)
  const end = decodeRecords(file).at(-1)?.end ?? 0
  for (let at = end + 1; at + PREFIX + CHECKSUM <= file.length; at++) {
    // No record of bytes is larger than a leaf, so hardly any other place is looked at for long.
    if (file.readUInt32BE(at + 1) > CHUNK_BYTES) continue
    if (decodeRecord(file, at) !== undefined) return end
  }
  return undefined
}

/**
 * Reads the log of a session as far as it is whole, some records at a time, of which little is in memory at once; others
 * have their turn in between.
 *
 * @param from where a record begins
 */
export async function* recordsOf(path: string, from = 0): AsyncGenerator<LocatedRecord[]> {
  const handle = await open(path, 'r')
  try {
    let [at, length] = [from, WINDOW_BYTES]
    for (;;) {
      const bytes = await readAt(handle, at, length)
      const records = decodeRecords(bytes, at)
      const end = records.at(-1)?.end
      if (end !== undefined) {
        yield records
        at = end
        length = WINDOW_BYTES
        continue
      }
      if (bytes.length < PREFIX) return
      const wanted = PREFIX + bytes.readUInt32BE(1) + CHECKSUM
      // What is whole and yet none, or does not fit into the file, ends it.
      if (wanted <= bytes.length || bytes.length < length || wanted > MOST_RECORD_BYTES) return
      length = wanted
    }
  } finally {
    await handle.close()
  }
}

/** @returns fewer bytes only at the file's end */
async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

/** Reads the log of a session as far as it is whole, into memory. */
export async function readLog(path: string): Promise<LocatedRecord[]> {
  return (await Array.fromAsync(recordsOf(path))).flat()
}

/**
 * Cuts off the last record of a session's log if it is not whole, so that appending stays right.
 * Only for the one who writes it: to anybody else an entry being written looks just like a torn one.
 *
 * @returns its length then, in bytes
 */
export async function repairLog(path: string): Promise<number> {
  let end = 0
  for await (const records of recordsOf(path)) end = records.at(-1)?.end ?? end
  if (end < (await stat(path)).size) await truncate(path, end)
  return end
}
