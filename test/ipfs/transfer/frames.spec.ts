import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  FrameReader,
  decodeBits,
  decodeHashes,
  encodeBits,
  encodeFrame,
} from '../../../src/ipfs/transfer/frames.ts'
import { decodePeers, encodePeers } from '../../../src/ipfs/transfer/peer-list.ts'
import {
  ANSWERS,
  FRAME,
  MAX_BLOCK_BYTES,
  ProtocolError,
  QUESTIONS,
} from '../../../src/ipfs/transfer/protocol.ts'
import type { FrameType } from '../../../src/ipfs/transfer/protocol.ts'

interface Frame {
  readonly type: number
  readonly body: Uint8Array
}

/** Everything that was read, in chunks of these lengths, until an error. */
function read(
  bytes: Uint8Array,
  lengths: readonly number[],
  limits: ReadonlyMap<number, number>,
): { frames: Frame[]; error: unknown } {
  const frames: Frame[] = []
  const reader = new FrameReader(limits, (type, body) => void frames.push({ type, body }))
  try {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const length = lengths[i % lengths.length] ?? 1
      reader.push(bytes.subarray(at, at + length))
      at += length
    }
    return { frames, error: undefined }
  } catch (error) {
    return { frames, error }
  }
}

const chunks = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 8 })
const bytes = (maxLength: number) => fc.uint8Array({ maxLength })

describe('frames of the transfer', () => {
  it('come out as they went in, however they are cut', () => {
    const frame = fc
      .constantFrom(...ANSWERS.keys())
      .chain((type) =>
        fc.record({ type: fc.constant(type), body: bytes(Math.min(ANSWERS.get(type) ?? 0, 300)) }),
      )
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), chunks, (frames, lengths) => {
        const wire = Buffer.concat(
          frames.map(({ type, body }) => encodeFrame(type as FrameType, body)),
        )
        const { frames: found, error } = read(wire, lengths, ANSWERS)
        assert.equal(error, undefined)
        assert.deepEqual(
          found.map(({ type, body }) => ({ type, body: Buffer.from(body) })),
          frames.map(({ type, body }) => ({ type, body: Buffer.from(body) })),
        )
      }),
    )
  })

  it('of a hostile peer are refused, or are frames within their limits; nothing else is thrown', () => {
    fc.assert(
      fc.property(
        bytes(2000),
        chunks,
        fc.constantFrom(ANSWERS, QUESTIONS),
        (wire, lengths, limits) => {
          const { frames, error } = read(wire, lengths, limits)
          for (const { type, body } of frames) assert.ok(body.length <= (limits.get(type) ?? -1))
          assert.ok(error === undefined || error instanceof ProtocolError, String(error))
        },
      ),
    )
  })

  const refused: Array<[what: string, header: number[], limits: ReadonlyMap<number, number>]> = [
    ['of no known type', [0, 0, 0, 1, 99], ANSWERS],
    ['of 4 GiB', [0xff, 0xff, 0xff, 0xff, FRAME.block], ANSWERS],
    ['without a type', [0, 0, 0, 0, FRAME.block], ANSWERS],
    ['that only the other side may send', [0, 0, 0, 33, FRAME.want], ANSWERS],
    ['of 33 wants', [0, 0, 4, 0x21, FRAME.want], QUESTIONS],
  ]
  for (const [what, header, limits] of refused) {
    it(`are refused by their header when they are ${what}`, () => {
      assert.ok(read(Uint8Array.from(header), [5], limits).error instanceof ProtocolError)
    })
  }

  it('may carry a block of 2 MiB, and not one more byte', () => {
    const header = (length: number): Buffer => {
      const start = Buffer.alloc(5, FRAME.block)
      start.writeUInt32BE(length + 1)
      return start
    }
    assert.equal(read(header(1 + MAX_BLOCK_BYTES), [5], ANSWERS).error, undefined)
    assert.ok(read(header(2 + MAX_BLOCK_BYTES), [5], ANSWERS).error instanceof ProtocolError)
  })
})

describe('bodies of the transfer', () => {
  it('carry flags as bits', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 256 }), (flags) => {
        assert.deepEqual(decodeBits(encodeBits(flags), flags.length), flags)
      }),
    )
    assert.throws(() => decodeBits(new Uint8Array(2), 8), ProtocolError)
  })

  it('are lists of whole hashes', () => {
    assert.equal(decodeHashes(new Uint8Array(96)).length, 3)
    for (const length of [0, 31, 33])
      assert.throws(() => decodeHashes(new Uint8Array(length)), ProtocolError)
  })

  it('carry peers, and leave out what is over the limits', () => {
    const peer = fc.record({ id: bytes(80), addresses: fc.array(bytes(300), { maxLength: 12 }) })
    fc.assert(
      fc.property(fc.array(peer, { maxLength: 20 }), (peers) => {
        const found = decodePeers(encodePeers(peers))
        const told = peers.filter(({ id }) => id.length <= 64).slice(0, 16)
        assert.equal(found.length, told.length)
        for (const [i, { id, addresses }] of told.entries()) {
          assert.deepEqual(Buffer.from(found[i]?.id ?? []), Buffer.from(id))
          const fitting = addresses.filter(({ length }) => length <= 256).slice(0, 8)
          assert.deepEqual(found[i]?.addresses.map(Buffer.from), fitting.map(Buffer.from))
        }
      }),
    )
  })

  it('of a hostile peer are lists within the limits, or refused', () => {
    fc.assert(
      fc.property(bytes(400), (body) => {
        try {
          const peers = decodePeers(body)
          assert.ok(peers.length <= 16 && peers.every(({ addresses }) => addresses.length <= 8))
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error))
        }
      }),
    )
  })
})
