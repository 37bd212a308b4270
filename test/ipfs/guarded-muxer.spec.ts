import assert from 'node:assert/strict'
import { StreamMessageEvent } from '@libp2p/interface'
import { guardedMuxer } from '../../src/ipfs/guarded-muxer.ts'
import { componentLogger, silent } from '../../src/ipfs/logger.ts'
import { stockYamux, wideYamux } from '../../src/ipfs/muxers.ts'
import { StreamBudget } from '../../src/ipfs/stream-budget.ts'
import type { MessageStream, StreamMuxer } from '@libp2p/interface'

const SYN = 1

/** A connection that somebody sends to. */
class Connection extends EventTarget {
  readonly log = componentLogger(silent).forComponent('test')
  readonly direction = 'inbound'
  status = 'open'
  send(): boolean {
    return true
  }
  receive(...parts: Uint8Array[]): void {
    if (this.status === 'open') this.dispatchEvent(new StreamMessageEvent(Buffer.concat(parts)))
  }
  abort(): void {
    this.status = 'aborted'
    this.dispatchEvent(new Event('close'))
  }
}

/** The header of a frame of data that opens a stream. */
function header(stream: number, length: number): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt16BE(SYN, 2)
  bytes.writeUInt32BE(stream, 4)
  bytes.writeUInt32BE(length, 8)
  return bytes
}

for (const [name, yamux] of Object.entries({ stockYamux, wideYamux })) {
  describe(`${name}, guarded`, () => {
    let budget: StreamBudget
    let connection: Connection
    let muxer: StreamMuxer

    beforeEach(() => {
      budget = new StreamBudget(800_000)
      connection = new Connection()
      const factory = guardedMuxer(yamux(), budget)()
      muxer = factory.createStreamMuxer(connection as unknown as MessageStream)
      muxer.addEventListener('stream', () => undefined)
    })
    afterEach(() => muxer.abort(new Error('the test is over')))

    it('ends a connection whose frame has no end', () => {
      connection.receive(header(1, 0xffff_ffff))
      for (let i = 0; i < 100; i++) connection.receive(Buffer.alloc(64 * 1024))
      assert.deepEqual([connection.status, budget.held], ['aborted', 0])
    })

    it('counts what arrives on streams, also after the talk about protocols', () => {
      const talk = Buffer.from('\x13/multistream/1.0.0\n\x0c/heliport/1\n')
      for (let id = 1; id < 20; id += 2) {
        const data = Buffer.alloc(60_000)
        connection.receive(header(id, talk.length + data.length), talk, data)
      }
      assert.equal(muxer.streams.length, 10)
      assert.equal(budget.held, 10 * (talk.length + 60_000))
      connection.receive(header(21, 250_000), Buffer.alloc(250_000))
      assert.equal(muxer.streams.length, 10)
      assert.equal(connection.status, 'open')
      connection.abort()
      assert.equal(budget.held, 0)
    })
  })
}
