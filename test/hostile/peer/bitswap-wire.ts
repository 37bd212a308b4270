import { CID } from 'multiformats/cid'
import { bytesField, countField, fieldsOf, readUvarint, uvarint } from '../trees/protobuf.ts'

/** Bitswap 1.2.0 as it is on the wire (IPFS specs, "Bitswap"), written here so that any rule of it can be broken. */
export const BITSWAP = '/ipfs/bitswap/1.2.0'

/** What a peer wants. */
export interface Want {
  readonly cid: CID
  readonly kind: 'block' | 'presence'
}

/** A block with the prefix of its CID: version, codec, hash, length. */
export interface SentBlock {
  readonly prefix: Uint8Array
  readonly data: Uint8Array
}

/** What is sent. */
export interface Message {
  readonly wants?: readonly Want[]
  readonly cancels?: readonly CID[]
  readonly blocks?: readonly SentBlock[]
  readonly presences?: readonly { readonly cid: CID; readonly has: boolean }[]
}

export function encodeMessage({
  wants = [],
  cancels = [],
  blocks = [],
  presences = [],
}: Message): Buffer {
  const entries = [
    ...wants.map(({ cid, kind }) => [
      bytesField(1, cid.bytes),
      countField(2, 1),
      countField(4, kind === 'block' ? 0 : 1),
      countField(5, 1),
    ]),
    ...cancels.map((cid) => [bytesField(1, cid.bytes), countField(2, 1), countField(3, 1)]),
  ].map((fields) => bytesField(1, Buffer.concat(fields)))
  return Buffer.concat([
    ...(entries.length === 0 ? [] : [bytesField(1, Buffer.concat(entries))]),
    ...blocks.map(({ prefix, data }) =>
      bytesField(3, Buffer.concat([bytesField(1, prefix), bytesField(2, data)])),
    ),
    ...presences.map(({ cid, has }) =>
      bytesField(4, Buffer.concat([bytesField(1, cid.bytes), countField(2, has ? 0 : 1)])),
    ),
  ])
}

/** A message with its length before it. */
export function framed(message: Uint8Array): Buffer {
  return Buffer.concat([uvarint(message.length), message])
}

/** What somebody wants, in a message without its length. Cancels are passed over. */
export function wantsOf(message: Uint8Array): Want[] {
  const wants: Want[] = []
  for (const list of fieldsOf(message)) {
    if (list.id !== 1) continue
    for (const entry of fieldsOf(list.bytes)) {
      if (entry.id !== 1) continue
      const fields = new Map([...fieldsOf(entry.bytes)].map((field) => [field.id, field]))
      const cid = fields.get(1)?.bytes
      if (cid === undefined || fields.get(3)?.value === 1) continue
      wants.push({
        cid: CID.decode(cid),
        kind: fields.get(4)?.value === 1 ? 'presence' : 'block',
      })
    }
  }
  return wants
}

/** What came in a message: blocks, and the CIDs of which the sender says that it has them, or not. */
export function answersOf(message: Uint8Array): { blocks: Buffer[]; has: CID[]; lacks: CID[] } {
  const blocks: Buffer[] = []
  const has: CID[] = []
  const lacks: CID[] = []
  for (const { id, bytes } of fieldsOf(message)) {
    if (id !== 3 && id !== 4) continue
    const fields = new Map([...fieldsOf(bytes)].map((field) => [field.id, field]))
    if (id === 3) blocks.push(Buffer.from(fields.get(2)?.bytes ?? []))
    else (fields.get(2)?.value === 1 ? lacks : has).push(CID.decode(fields.get(1)!.bytes))
  }
  return { blocks, has, lacks }
}

/** Takes messages out of a stream's bytes as they come. */
export class Frames {
  #held: Uint8Array = new Uint8Array();

  *take(bytes: Uint8Array): Generator<Uint8Array> {
    this.#held = Buffer.concat([this.#held, bytes])
    for (;;) {
      const length = readUvarint(this.#held)
      if (length === undefined || this.#held.length < length.end + length.value) return
      const end = length.end + length.value
      yield this.#held.subarray(length.end, end)
      this.#held = this.#held.subarray(end)
    }
  }
}

/** The prefix of a CID, as a block is sent with. */
export function prefixOf(cid: CID): Uint8Array {
  return Buffer.concat([
    uvarint(cid.version),
    uvarint(cid.code),
    uvarint(cid.multihash.code),
    uvarint(cid.multihash.size),
  ])
}
