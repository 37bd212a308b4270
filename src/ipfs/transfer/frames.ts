import { HASH_BYTES, ProtocolError } from './protocol.ts'
import type { FrameType } from './protocol.ts'

/** Length and type. */
const HEADER_BYTES = 5

/** Called with each whole frame. The body is the callee's to keep. */
type OnFrame = (type: FrameType, body: Uint8Array) => void

/**
 * Finds the frames in what arrives. A body is allocated once its header is known and its length is within the limit of
 * its type, so a peer makes us hold one body at most.
 */
export class FrameReader {
  readonly #limits: ReadonlyMap<number, number>
  readonly #onFrame: OnFrame
  readonly #header = new Uint8Array(HEADER_BYTES)
  #headerAt = 0
  #body: Uint8Array | undefined
  #bodyAt = 0

  /** @param limits the longest body of each type that may come */
  constructor(limits: ReadonlyMap<number, number>, onFrame: OnFrame) {
    this.#limits = limits
    this.#onFrame = onFrame
  }

  /** @throws ProtocolError when a frame is of no known type, or too long; nothing more may be pushed then */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length || this.#isComplete();) {
      at += this.#body === undefined ? this.#readHeader(chunk, at) : this.#readBody(chunk, at)
      if (this.#isComplete()) this.#emit()
    }
  }

  #isComplete(): boolean {
    return this.#body !== undefined && this.#bodyAt === this.#body.length
  }

  #readHeader(chunk: Uint8Array, at: number): number {
    const taken = chunk.subarray(at, at + HEADER_BYTES - this.#headerAt)
    this.#header.set(taken, this.#headerAt)
    this.#headerAt += taken.length
    if (this.#headerAt === HEADER_BYTES) this.#startBody()
    return taken.length
  }

  #startBody(): void {
    const length = new DataView(this.#header.buffer).getUint32(0) - 1
    const type = this.#header[4] ?? 0
    const limit = this.#limits.get(type)
    if (limit === undefined) throw new ProtocolError(`a frame of type ${type} may not come here`)
    if (length < 0 || length > limit)
      throw new ProtocolError(`a frame of type ${type} with ${length} bytes, of at most ${limit}`)
    // Not from the shared pool: a small block that is kept would keep all of its slab.
    this.#body = Buffer.allocUnsafeSlow(length)
    this.#bodyAt = 0
  }

  #readBody(chunk: Uint8Array, at: number): number {
    const body = this.#body as Uint8Array
    const taken = chunk.subarray(at, at + body.length - this.#bodyAt)
    body.set(taken, this.#bodyAt)
    this.#bodyAt += taken.length
    return taken.length
  }

  #emit(): void {
    const body = this.#body as Uint8Array
    this.#body = undefined
    this.#headerAt = 0
    this.#onFrame(this.#header[4] as FrameType, body)
  }
}

/** A frame's first bytes. What is sent after them may be long, and is not copied. */
export function frameHeader(type: FrameType, bodyBytes: number, first?: number): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES + (first === undefined ? 0 : 1))
  header.writeUInt32BE(bodyBytes + 1)
  header[4] = type
  if (first !== undefined) header[HEADER_BYTES] = first
  return header
}

/** A whole frame. */
export function encodeFrame(type: FrameType, ...body: readonly Uint8Array[]): Uint8Array {
  const length = body.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([frameHeader(type, length), ...body])
}

/** @throws ProtocolError when it is not a list of at least one hash */
export function decodeHashes(body: Uint8Array): Uint8Array[] {
  if (body.length === 0 || body.length % HASH_BYTES !== 0)
    throw new ProtocolError(`${body.length} bytes are no list of hashes`)
  return Array.from({ length: body.length / HASH_BYTES }, (_, i) =>
    body.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  )
}

/** One bit for each flag, the first in the lowest bit of the first byte. */
export function encodeBits(flags: readonly boolean[]): Uint8Array {
  const bits = new Uint8Array(Math.ceil(flags.length / 8))
  for (const [i, flag] of flags.entries())
    if (flag) bits[i >> 3] = (bits[i >> 3] ?? 0) | (1 << (i & 7))
  return bits
}

/** @throws ProtocolError when there are not as many bits as were asked for */
export function decodeBits(bits: Uint8Array, count: number): boolean[] {
  if (bits.length !== Math.ceil(count / 8))
    throw new ProtocolError(`${bits.length} bytes of bits for ${count} questions`)
  return Array.from({ length: count }, (_, i) => ((bits[i >> 3] ?? 0) & (1 << (i & 7))) !== 0)
}
