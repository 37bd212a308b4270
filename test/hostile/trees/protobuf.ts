import { varint } from 'multiformats'

/** A number on the wire; a bigint where it may be larger than any number we would write. */
export type Count = number | bigint

/** One field with a length before it. */
export function bytesField(id: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([uvarint(id * 8 + 2), uvarint(bytes.length), bytes])
}

/** One number. */
export function countField(id: number, value: Count): Buffer {
  return Buffer.concat([uvarint(id * 8), uvarint(value)])
}

/** A varint of up to 64 bits. */
export function uvarint(value: Count): Buffer {
  if (typeof value === 'number' && Number.isSafeInteger(value))
    return Buffer.from(varint.encodeTo(value, new Uint8Array(varint.encodingLength(value))))
  const bytes: number[] = []
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...bytes, Number(rest)])
    bytes.push(Number(rest & 0x7fn) | 0x80)
  }
}

/** Reads a varint; `undefined` when it is cut short. */
export function readUvarint(bytes: Uint8Array, at = 0): { value: number; end: number } | undefined {
  for (let value = 0, scale = 1, end = at; end < bytes.length; scale *= 128) {
    const byte = bytes[end++]!
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return { value, end }
  }
  return undefined
}

/** A field as it was read. */
export interface Field {
  readonly id: number
  readonly value: number
  readonly bytes: Uint8Array
}

/** The fields of a message; only of the two kinds that bitswap has. */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  for (let at = 0; at < message.length;) {
    const tag = readUvarint(message, at)
    const head = tag && readUvarint(message, tag.end)
    if (tag === undefined || head === undefined) throw new Error('a message that is cut short')
    const hasBytes = (tag.value & 7) === 2
    at = hasBytes ? head.end + head.value : head.end
    const bytes = hasBytes ? message.subarray(head.end, at) : new Uint8Array()
    yield { id: tag.value >>> 3, value: head.value, bytes }
  }
}
