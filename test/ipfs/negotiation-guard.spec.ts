import assert from 'node:assert/strict'
import { guardNegotiation } from '../../src/ipfs/negotiation-guard.ts'
import { lengthPrefixed } from './crowd.ts'
import type { MessageStream } from '@libp2p/interface'

class FakeStream {
  status = 'open'
  received = 0
  readBuffer: Uint8Array = new Uint8Array(0)
  onData(data: Uint8Array): void {
    this.received += data.byteLength
  }
  abort(): void {
    this.status = 'aborted'
  }
}

function guarded(stream = new FakeStream()): FakeStream {
  return guardNegotiation(stream as unknown as MessageStream) as unknown as FakeStream
}

const hello = lengthPrefixed('/multistream/1.0.0\n')
const proposal = lengthPrefixed('/ipfs/bitswap/1.2.0\n')
const times = (count: number, bytes: Buffer) =>
  Buffer.concat(Array.from({ length: count }, () => bytes))

describe('the talk about protocols', () => {
  it('may have many proposals, in whatever pieces they come', () => {
    const talk = Buffer.concat([hello, times(40, proposal)])
    for (const piece of [1, 7, talk.length]) {
      const stream = guarded()
      for (let at = 0; at < talk.length; at += piece) stream.onData(talk.subarray(at, at + piece))
      assert.deepEqual([stream.status, stream.received], ['open', talk.length])
    }
  })

  it('ends when there are too many, in whatever pieces they come', () => {
    for (const line of [Buffer.of(1, 0x0a), proposal, lengthPrefixed('ls\n')]) {
      const talk = Buffer.concat([hello, times(100, line)])
      for (const piece of [1, 7, talk.length]) {
        const stream = guarded()
        for (let at = 0; at < talk.length && stream.status === 'open'; at += piece)
          stream.onData(talk.subarray(at, at + piece))
        assert.equal(stream.status, 'aborted')
        assert.ok(stream.received <= hello.length + 65 * line.length)
      }
    }
  })

  it('ends when there were too many before anybody looked', () => {
    const stream = new FakeStream()
    stream.readBuffer = times(100, Buffer.of(1, 0x0a))
    assert.equal(guarded(stream).status, 'aborted')
  })

  it('is over with the first thing that is no proposal, and then anything may come', () => {
    const after: Buffer[] = [
      Buffer.alloc(200), // a frame of yamux begins with 0
      Buffer.of(0x16, 0x03, 0x01, ...Buffer.alloc(40, 1)), // a TLS record
      Buffer.of(0xff, 0xff, 0xff), // no length of a line
      lengthPrefixed('no line feed'),
    ]
    for (const first of after) {
      const stream = guarded()
      const rest = times(100, Buffer.of(1, 0x0a))
      for (const bytes of [hello, proposal, first, rest, rest]) stream.onData(bytes)
      assert.equal(stream.status, 'open')
      assert.equal(stream.received, hello.length + proposal.length + first.length + 2 * rest.length)
    }
  })
})
