import assert from 'node:assert/strict'
import { MAX_MESSAGES_PER_SECOND } from '../../src/ipfs/inbound-limits.ts'
import { MessageMeter } from '../../src/ipfs/message-meter.ts'
import type { Stream } from '@libp2p/interface'

class FakeStream extends EventTarget {
  status = 'open'
  seen = 0
  readonly protocol: string
  constructor(protocol: string) {
    super()
    this.protocol = protocol
    this.addEventListener('message', () => this.seen++)
  }
  abort(): void {
    this.status = 'aborted'
  }
  receive(data: Uint8Array): void {
    if (this.status === 'open') this.dispatchEvent(Object.assign(new Event('message'), { data }))
  }
}

const BITSWAP = '/ipfs/bitswap/1.2.0'

describe('the meter of messages', () => {
  let clock: number
  let meter: MessageMeter
  beforeEach(() => {
    clock = 0
    meter = new MessageMeter(() => clock)
  })
  function open(protocol = BITSWAP): FakeStream {
    const stream = new FakeStream(protocol)
    meter.watch(stream as unknown as Stream)
    return stream
  }

  it('cuts a stream of empty messages before its handler sees them', () => {
    const stream = open()
    stream.receive(new Uint8Array(1 << 20))
    assert.deepEqual([stream.status, stream.seen], ['aborted', 0])
  })

  it('counts the messages of all streams of a connection, and forgives with time', () => {
    for (let i = 0; i < MAX_MESSAGES_PER_SECOND; i++) open().receive(Buffer.of(1, 0))
    const over = open()
    over.receive(Buffer.of(1, 0))
    assert.equal(over.status, 'aborted')
    clock += 3000
    for (let second = 0; second < 5; second++, clock += 1000) {
      const stream = open('/meshsub/1.2.0')
      for (let i = 0; i < MAX_MESSAGES_PER_SECOND; i++) stream.receive(Buffer.of(1, 0))
      assert.equal(stream.status, 'open')
    }
  })

  it('counts large messages once, however they are cut', () => {
    const stream = open()
    const message = Buffer.concat([Buffer.of(0x80, 0x80, 0xc0, 0x01), Buffer.alloc(3 << 20)])
    const all = Buffer.concat([message, message])
    for (let at = 0; at < all.length; at += 700) stream.receive(all.subarray(at, at + 700))
    for (const byte of all.subarray(0, 10)) stream.receive(Buffer.of(byte))
    assert.equal(stream.status, 'open')
  })

  it('tells how much of a message has come that is not whole', () => {
    const stream = new FakeStream(BITSWAP)
    const unfinished = meter.watch(stream as unknown as Stream)
    const seen = [Buffer.of(2, 0), Buffer.of(0, 0x80), Buffer.of(1, 0, 0), new Uint8Array(126)].map(
      (data) => {
        stream.receive(data)
        return unfinished()
      },
    )
    assert.deepEqual(seen, [1, 0, 2, 0])
    const other = new FakeStream('/ipfs/ping/1.0.0')
    assert.equal(meter.watch(other as unknown as Stream)(), undefined)
  })

  it('leaves it to the handler what a length without end means', () => {
    const stream = open()
    for (let i = 0; i < 10; i++) stream.receive(new Uint8Array(100_000).fill(0xff))
    assert.deepEqual([stream.status, stream.seen], ['open', 10])
  })

  it('looks at no protocol that is not made of many messages', () => {
    for (const protocol of ['', '/heliport/blocks/1', '/ipfs/ping/1.0.0']) {
      const stream = open(protocol)
      stream.receive(new Uint8Array(1 << 20))
      assert.deepEqual([stream.status, stream.seen], ['open', 1])
    }
  })
})
