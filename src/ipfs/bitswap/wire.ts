import { varint } from 'multiformats'
import { CID } from 'multiformats/cid'

/** Bitswap 1.2.0 (IPFS specs, "Bitswap"): its messages as they are on the wire. */
export const BITSWAP = '/ipfs/bitswap/1.2.0'

/** Largest message (specs, "Wire Format"). Bytes. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024

/**
 * Wants, blocks and presences that one message may have. Kubo keeps a thousand wants of a peer; and a decoder without a
 * bound makes two million objects of 4 MiB, and holds the event loop for 1.6 s of processor time (measured).
 */
const MAX_ENTRIES = 4096

/** The limit of a varint's length here: nothing counts beyond 2^53. */
const MAX_VARINT_BYTES = 8

const SHA2_256 = 0x12
const HASH_BYTES = 32

/** What a peer asks for. */
export interface Want {
  readonly cid: CID
  readonly kind: 'block' | 'presence'
  /** It is not wanted any more. */
  readonly isCancelled: boolean
  /** Whether to say so when it is not here. */
  readonly wantsNo: boolean
}

/** A message that came. */
export interface Message {
  readonly wants: readonly Want[]
  /** The wants are all that the peer has. */
  readonly isFull: boolean
  readonly blocks: readonly Uint8Array[]
  readonly presences: readonly { readonly cid: CID; readonly has: boolean }[]
}

/** A message that breaks the rules. */
export class WireError extends Error {
  static override readonly name = 'WireError'
  override readonly name = 'WireError'
}

/** Reads a message, without its length. @throws WireError */
export function decodeMessage(bytes: Uint8Array): Message {
  const [wants, blocks, presences]: [Want[], Uint8Array[], { cid: CID; has: boolean }[]] = [
    [],
    [],
    [],
  ]
  let isFull = false
  const count = new Counter()
  for (const { id, body } of fieldsOf(bytes)) {
    count.one()
    if (id === 1)
      for (const field of fieldsOf(body)) {
        count.one()
        if (field.id === 1) push(wants, wantOf(field.body))
        if (field.id === 2) isFull = field.value === 1
      }
    else if (id === 3) blocks.push(alone(field(body, 2)?.body ?? NOTHING, bytes))
    else if (id === 4) push(presences, presenceOf(body))
  }
  return { wants, isFull, blocks, presences }
}

/** A message that asks for one block, with its length before it. */
export function encodeWant(cid: CID, kind: 'block' | 'presence', isCancelled = false): Uint8Array {
  const entry = Buffer.concat([
    bytesField(1, cid.bytes),
    Buffer.from([0x10, 1]), // priority
    Buffer.from(isCancelled ? [0x18, 1] : []),
    Buffer.from([0x20, kind === 'block' ? 0 : 1, 0x28, 1]),
  ])
  return framed([bytesField(1, bytesField(1, entry))])
}

/** A message with blocks, and with what is said of others, with its length before it. */
export function encodeAnswer(
  blocks: readonly { readonly cid: CID; readonly bytes: Uint8Array }[],
  presences: readonly { readonly cid: CID; readonly has: boolean }[],
): Uint8Array {
  return framed([
    ...blocks.map(({ cid, bytes }) =>
      bytesField(3, Buffer.concat([bytesField(1, prefixOf(cid)), bytesField(2, bytes)])),
    ),
    ...presences.map(({ cid, has }) =>
      bytesField(4, Buffer.concat([bytesField(1, cid.bytes), Buffer.from([0x10, has ? 0 : 1])])),
    ),
  ])
}

/** The end of a varint and its value; `undefined` when more bytes are needed. @throws WireError when it is too long */
export function readVarint(
  bytes: Uint8Array,
  at: number,
): { value: number; end: number } | undefined {
  let value = 0
  for (let n = 0; n < MAX_VARINT_BYTES; n++) {
    const byte = bytes[at + n]
    if (byte === undefined) return undefined
    value += (byte & 0x7f) * 2 ** (7 * n)
    if (byte < 0x80) return { value, end: at + n + 1 }
  }
  throw new WireError('a number that is too long')
}

/** A block, which must not keep the rest of a large message in memory for as long as it is used. */
function alone(block: Uint8Array, message: Uint8Array): Uint8Array {
  return 2 * block.length < message.length ? Uint8Array.from(block) : block
}

class Counter {
  #count = 0

  one(): void {
    if (++this.#count > MAX_ENTRIES)
      throw new WireError(`over ${MAX_ENTRIES} entries in one message`)
  }
}

interface Field {
  readonly id: number
  readonly value: number
  readonly body: Uint8Array
}

const NOTHING = new Uint8Array()

/** Fields of the two kinds that bitswap has. */
function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  for (let at = 0; at < bytes.length;) {
    const tag = readVarint(bytes, at)
    const head = tag && readVarint(bytes, tag.end)
    if (tag === undefined || head === undefined) throw new WireError('a message that is cut short')
    const type = tag.value & 7
    if (type !== 0 && type !== 2) throw new WireError(`a field of wire type ${type}`)
    at = type === 2 ? head.end + head.value : head.end
    if (at > bytes.length) throw new WireError('a message that is cut short')
    const body = type === 2 ? bytes.subarray(head.end, at) : NOTHING
    yield { id: Math.floor(tag.value / 8), value: head.value, body }
  }
}

function field(bytes: Uint8Array, id: number): Field | undefined {
  let last: Field | undefined
  let count = 0
  for (const each of fieldsOf(bytes)) {
    // Entries have five fields; what has many more is made to cost time.
    if (++count > 16) throw new WireError('an entry of too many fields')
    if (each.id === id) last = each
  }
  return last
}

function wantOf(bytes: Uint8Array): Want | undefined {
  const cid = cidOf(field(bytes, 1)?.body)
  return (
    cid && {
      cid,
      kind: field(bytes, 4)?.value === 1 ? 'presence' : 'block',
      isCancelled: field(bytes, 3)?.value === 1,
      wantsNo: field(bytes, 5)?.value === 1,
    }
  )
}

function presenceOf(bytes: Uint8Array): { cid: CID; has: boolean } | undefined {
  const cid = cidOf(field(bytes, 1)?.body)
  return cid && { cid, has: field(bytes, 2)?.value !== 1 }
}

/** A CID of the one hash that we have blocks of; others are none that anybody could get here. */
function cidOf(bytes: Uint8Array | undefined): CID | undefined {
  try {
    const cid = bytes && CID.decode(bytes)
    const isOurs = cid?.multihash.code === SHA2_256 && cid.multihash.digest.length === HASH_BYTES
    return isOurs ? cid : undefined
  } catch {
    return undefined // no CID
  }
}

function push<T>(list: T[], item: T | undefined): void {
  if (item !== undefined) list.push(item)
}

function prefixOf(cid: CID): Uint8Array {
  const codec = cid.version === 0 ? [0, cid.code] : [1, cid.code]
  return Buffer.concat([...codec, SHA2_256, HASH_BYTES].map(uvarint))
}

function framed(parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([uvarint(length), ...parts])
}

function bytesField(id: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([uvarint(id * 8 + 2), uvarint(bytes.length), bytes])
}

function uvarint(value: number): Uint8Array {
  return varint.encodeTo(value, new Uint8Array(varint.encodingLength(value)))
}
