import assert from 'node:assert/strict'
import { StreamBudget } from '../../src/ipfs/stream-budget.ts'
import type { MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'

const MiB = 1024 * 1024

/** A stream as a muxer has it, whose bytes are read at once, or not. */
class FakeStream extends EventTarget {
  status = 'open'
  readBufferLength = 0
  readonly protocol: string
  readonly reads: boolean
  constructor({ protocol = '', reads = true } = {}) {
    super()
    this.protocol = protocol
    this.reads = reads
  }
  onData(data: { byteLength: number }): void {
    if (!this.reads) this.readBufferLength += data.byteLength
  }
  abort(): void {
    this.status = 'aborted'
    this.readBufferLength = 0
    this.dispatchEvent(new Event('close'))
  }
  close(): void {
    this.status = 'closed'
    this.dispatchEvent(new Event('close'))
  }
}

class FakeMuxer {
  readonly streams: FakeStream[] = []
  onRemoteStream(stream: FakeStream): void {
    this.streams.push(stream)
  }
  open(options?: ConstructorParameters<typeof FakeStream>[0]): FakeStream {
    const stream = new FakeStream(options)
    this.onRemoteStream(stream)
    return stream
  }
}

describe('the budget of inbound streams', () => {
  let budget: StreamBudget
  beforeEach(() => {
    budget = new StreamBudget(10 * MiB)
  })

  function connect(): FakeMuxer {
    const muxer = new FakeMuxer()
    const stock: StreamMuxerFactory = {
      protocol: '/test',
      createStreamMuxer: () => muxer as unknown as StreamMuxer,
    }
    budget
      .over(() => stock)()
      .createStreamMuxer({} as MessageStream)
    return muxer
  }
  const receive = (stream: FakeStream, bytes: number) => stream.onData({ byteLength: bytes })

  it('lets through what fits, for as long as it goes on', () => {
    const muxer = connect()
    for (let i = 0; i < 100; i++) {
      const stream = muxer.open()
      receive(stream, 3 * MiB)
      assert.equal(budget.held, 3 * MiB)
      stream.close()
    }
    const long = muxer.open()
    for (let i = 0; i < 1000; i++) receive(long, MiB)
    assert.deepEqual([long.status, budget.held], ['open', 4 * MiB])
    assert.equal(muxer.streams.length, 101)
  })

  it('cuts the largest stream of the connection that has the most', () => {
    const [honest, greedy] = [connect(), connect()]
    const wanted = honest.open()
    receive(wanted, 3 * MiB)
    const streams = [1, 3, 2].map((size) => {
      const stream = greedy.open()
      receive(stream, size * MiB)
      return stream
    })
    receive(greedy.open(), 2 * MiB)
    assert.deepEqual(
      [wanted, ...streams].map(({ status }) => status),
      ['open', 'open', 'aborted', 'open'],
    )
    assert.equal(budget.held, 8 * MiB)
  })

  it('holds whatever a crowd does', () => {
    const crowd = Array.from({ length: 50 }, connect)
    for (const muxer of crowd)
      for (let i = 0; i < 20; i++) receive(muxer.open({ reads: i % 2 === 0 }), MiB + i)
    assert.ok(budget.held <= 10 * MiB)
    const open = crowd.flatMap(({ streams }) => streams).filter(({ status }) => status === 'open')
    assert.ok(open.length <= 10)
    for (const stream of open) stream.close()
    assert.equal(budget.held, 0)
  })

  it('counts all of what nobody reads', () => {
    const stream = connect().open({ reads: false })
    receive(stream, 9 * MiB)
    assert.equal(budget.held, 9 * MiB)
    receive(stream, 2 * MiB)
    assert.deepEqual([stream.status, budget.held], ['aborted', 0])
  })

  it('leaves the long streams of pubsub alone, for their messages are small', () => {
    const streams = Array.from({ length: 300 }, () =>
      connect().open({ protocol: '/meshsub/1.2.0' }),
    )
    for (let i = 0; i < 10; i++) for (const stream of streams) receive(stream, MiB)
    assert.ok(streams.every(({ status }) => status === 'open'))
    assert.equal(budget.held, 300 * 16 * 1024)
  })

  it('refuses a muxer that it cannot watch', () => {
    const stock = { protocol: '/test', createStreamMuxer: () => ({}) as StreamMuxer }
    const factory = budget.over(() => stock)()
    assert.throws(() => factory.createStreamMuxer({} as MessageStream), /not the one Heliport/)
  })
})
