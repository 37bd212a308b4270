import assert from 'node:assert/strict'
import { StreamBudget } from '../../src/ipfs/stream-budget.ts'
import type { CountedStream } from '../../src/ipfs/stream-budget.ts'

const MiB = 1024 * 1024

/** A stream as a muxer has it, whose bytes are read at once, or not. */
class FakeStream extends EventTarget {
  status = 'open'
  readBufferLength = 0
  readonly reads: boolean
  /** Of a message that is not whole, where messages are told apart. */
  unfinished: number | undefined
  constructor({ reads = true } = {}) {
    super()
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

/** The streams that one peer opened. */
class Peer {
  readonly streams: FakeStream[] = []
  isCut = false
  readonly account
  constructor(budget: StreamBudget) {
    this.account = budget.open(() => {
      this.isCut = true
      for (const stream of this.streams) stream.abort()
    })
  }
  open(options?: ConstructorParameters<typeof FakeStream>[0]): FakeStream {
    const stream = new FakeStream(options)
    this.streams.push(stream)
    this.account.stream(stream as unknown as CountedStream, () => stream.unfinished)
    return stream
  }
}

describe('the budget of inbound streams', () => {
  let budget: StreamBudget
  beforeEach(() => {
    budget = new StreamBudget(10 * MiB)
  })

  const connect = () => new Peer(budget)
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

  it('ends the connection that has the most, when it began several large messages', () => {
    const [honest, greedy] = [connect(), connect()]
    receive(honest.open(), 3 * MiB)
    for (const size of [1, 3, 2]) receive(greedy.open(), size * MiB)
    receive(greedy.open(), 2 * MiB)
    assert.deepEqual([honest.isCut, greedy.isCut, budget.held], [false, true, 3 * MiB])
    receive(greedy.streams[0] ?? assert.fail(), MiB) // was under way
    assert.equal(budget.held, 3 * MiB)
  })

  it('cuts one stream of a connection that has one large message and small ones', () => {
    const [honest, large] = [connect(), connect()]
    for (const peer of [honest, large]) receive(peer.open(), 30 * 1024)
    const streams = [honest.open({ reads: false }), large.open({ reads: false })]
    for (const stream of streams) receive(stream, 4 * MiB)
    receive(large.open(), 30 * 1024)
    receive(streams[1] ?? assert.fail(), 3 * MiB)
    assert.deepEqual(
      streams.map(({ status }) => status),
      ['open', 'aborted'],
    )
    assert.deepEqual([honest.isCut, large.isCut], [false, false])
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

  it('leaves long streams alone whose messages are told apart', () => {
    const streams = Array.from({ length: 300 }, () => connect().open())
    for (let i = 0; i < 10; i++)
      for (const stream of streams) {
        stream.unfinished = 16 * 1024
        receive(stream, MiB)
      }
    assert.ok(streams.every(({ status }) => status === 'open'))
    assert.equal(budget.held, 300 * 16 * 1024)
  })

  it('counts frames that are not whole yet, and ends the connection of one that never is', () => {
    const [honest, greedy] = [connect(), connect()]
    honest.account.frame(4 * MiB)
    for (let size = 0; size < 100; size++) greedy.account.frame(size * MiB)
    assert.deepEqual([honest.isCut, greedy.isCut, budget.held], [false, true, 4 * MiB])
    honest.account.frame(0)
    assert.equal(budget.held, 0)
  })

  it('forgets a connection that has ended', () => {
    const peer = connect()
    peer.account.frame(MiB)
    receive(peer.open(), MiB)
    peer.account.close()
    assert.equal(budget.held, 0)
  })
})
