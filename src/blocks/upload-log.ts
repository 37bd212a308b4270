import { constants, open, readFile, truncate } from 'node:fs/promises'
import { CHUNK_BYTES } from './chunking.ts'
import { sha256 } from './cids.ts'

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

/** Encodes records for appending. */
export function encodeRecords(records: readonly UploadRecord[]): Buffer {
  return Buffer.concat(records.flatMap(encodeRecord))
}

function encodeRecord(record: UploadRecord): Uint8Array[] {
  const payload = payloadOf(record)
  const prefix = Buffer.alloc(PREFIX)
  prefix.writeUInt8(TYPES[record.type], 0)
  prefix.writeUInt32BE(payload.length, 1)
  return [prefix, payload, checksum(prefix, payload)]
}

function payloadOf(record: UploadRecord): Uint8Array {
  if (record.type === 'header') return Buffer.from(JSON.stringify(record.json))
  return record.type === 'leaf' ? record.hash : record.bytes
}

function checksum(prefix: Uint8Array, payload: Uint8Array): Uint8Array {
  return sha256(Buffer.concat([prefix, payload])).subarray(0, CHECKSUM)
}

/** A record, and where it stands in the file. */
export interface LocatedRecord {
  record: UploadRecord
  /** Offset of its first byte. */
  start: number
  /** Offset of the first byte after the record. */
  end: number
}

/** Reads a log up to its first record that is not whole. */
function decodeRecords(file: Buffer): LocatedRecord[] {
  const found: LocatedRecord[] = []
  let offset = 0
  for (;;) {
    const next = decodeRecord(file, offset)
    if (next === undefined) return found
    found.push(next)
    offset = next.end
  }
}

function decodeRecord(file: Buffer, offset: number): LocatedRecord | undefined {
  if (file.length < offset + PREFIX) return undefined
  const prefix = file.subarray(offset, offset + PREFIX)
  const payloadEnd = offset + PREFIX + prefix.readUInt32BE(1)
  const end = payloadEnd + CHECKSUM
  if (file.length < end) return undefined
  const payload = file.subarray(offset + PREFIX, payloadEnd)
  if (!file.subarray(payloadEnd, end).equals(checksum(prefix, payload))) return undefined
  const record = recordOf(prefix.readUInt8(0), payload)
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

/** Appends records and returns when they are safe on disk. */
export async function appendRecords(path: string, records: readonly UploadRecord[]): Promise<void> {
  // Not 'a', which would make a log without a header of one that was removed.
  const handle = await open(path, constants.O_WRONLY | constants.O_APPEND)
  try {
    await handle.writeFile(encodeRecords(records))
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

/** How many bytes a log has kept, if all its leaves are there. */
export function bytesIn(records: readonly LocatedRecord[]): number {
  let [leaves, tail] = [0, 0]
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

/** Reads the log of a session as far as it is whole. */
export async function readLog(path: string): Promise<LocatedRecord[]> {
  return decodeRecords(await readFile(path))
}

/**
 * Reads the log of a session and cuts off a last record that is not whole, so that appending stays right.
 * Only for the one who writes it: to anybody else an entry being written looks just like a torn one.
 */
export async function repairLog(path: string): Promise<LocatedRecord[]> {
  const file = await readFile(path)
  const records = decodeRecords(file)
  const end = records.at(-1)?.end ?? 0
  if (end < file.length) await truncate(path, end)
  return records
}
