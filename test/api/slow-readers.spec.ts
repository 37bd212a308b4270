import assert from 'node:assert/strict'
import { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { Connections } from '../../src/api/connections.ts'
import { RegistryError } from '../../src/oci/errors.ts'
import type { IncomingMessage } from 'node:http'
import type { CutOff } from '../../src/api/connections.ts'

/** As a connection with a GET on it looks to the server: so much was taken, and so much waits for its client. */
class Reader extends Socket {
  taken = 0
  queued = 64 * 1024
  isReset = false

  constructor(remote: string) {
    super()
    const define = (name: string, get: () => unknown): void =>
      void Object.defineProperty(this, name, { get })
    define('bytesWritten', () => this.taken + this.queued)
    define('writableLength', () => this.queued)
    define('remoteAddress', () => remote)
  }

  override resetAndDestroy(): this {
    this.isReset = true
    return this
  }
}

describe('api: slow readers', () => {
  let now: number
  let connections: Connections
  let cutOff: CutOff[]
  let readers: Reader[]
  function start(bound: number, minDownloadRate = 512): void {
    now = 0
    cutOff = []
    readers = []
    const onCutOff = (why: CutOff): void => void cutOff.push(why)
    connections = new Connections({ bound, minDownloadRate, onCutOff, now: () => now })
  }

  /** A new connection. @param isComplete whether its request is all there */
  function open(remote: string, isComplete = true): Reader {
    const reader = new Reader(remote)
    connections.add(reader)
    const req = { socket: reader, complete: isComplete, readableLength: 0, headers: {} }
    const res = new ServerResponse(req as unknown as IncomingMessage)
    const handle = connections.listener(() => Promise.withResolvers<void>().promise)
    handle(req as unknown as IncomingMessage, res)
    readers.push(reader)
    return reader
  }

  /** Time goes by, in which something happens every 2 s. */
  function pass(seconds: number, every2s: () => void = () => undefined): void {
    for (let second = 0; second < seconds; second++) {
      now += 1000
      if (second % 2 === 0) every2s()
      connections.look()
    }
  }

  it('that take less than they must, over a minute, are cut off, and nothing is kept for them', () => {
    start(10)
    const reader = open('192.0.2.1')
    pass(55, () => (reader.taken += 1000))
    assert.equal(reader.isReset, false)
    pass(15, () => (reader.taken += 1000))
    assert.equal(reader.isReset, true)
    assert.deepEqual(cutOff, ['too slow'])
  })

  it('that read 16 KiB every 2 s, or half a minute nothing and then much, are let be', () => {
    start(10)
    const [steady, jerky] = [open('192.0.2.1'), open('192.0.2.2')]
    for (let i = 0; i < 10; i++) {
      pass(30, () => (steady.taken += 16 * 1024))
      jerky.taken += 128 * 1024
    }
    assert.deepEqual([steady.isReset, jerky.isReset], [false, false])
  })

  it('may take as little as they like where no rate is asked for', () => {
    start(10, 0)
    const reader = open('192.0.2.1')
    pass(600)
    assert.equal(reader.isReset, false)
  })

  it('are not those who wait for us', () => {
    start(1)
    const waiting = open('192.0.2.1')
    waiting.queued = 0
    pass(600)
    open('192.0.2.2')
    assert.equal(waiting.isReset, false)
  })

  it('make place for who comes when there are as many as there may be, and he is served', () => {
    start(3)
    const [slow, quick, slower] = [open('192.0.2.1'), open('192.0.2.2'), open('192.0.2.3')]
    pass(20, () => {
      slow.taken += 10_000
      quick.taken += 100_000
      slower.taken += 5_000
    })
    open('192.0.2.4')
    assert.deepEqual(
      [slow, quick, slower].map(({ isReset }) => isReset),
      [false, false, true],
    )
    now += 1000
    open('192.0.2.5')
    assert.deepEqual([slow.isReset, quick.isReset], [true, false])
    now += 1000
    open('192.0.2.6')
    assert.equal(quick.isReset, false)
    assert.deepEqual(cutOff, ['place needed', 'place needed'])
  })

  it('make no place before it is known for long that they are slow', () => {
    start(1)
    const young = open('192.0.2.1')
    pass(10)
    open('192.0.2.2')
    assert.equal(young.isReset, false)
  })

  it('make no place for those of their own address, nor for who is refused in any case', () => {
    start(2)
    const [first, second] = [open('192.0.2.1'), open('192.0.2.1')]
    pass(20)
    open('192.0.2.1')
    connections.add(new Reader('192.0.2.2'), new RegistryError('TOOMANYREQUESTS'))
    assert.deepEqual([first.isReset, second.isReset], [false, false])
  })

  it('have company in who sends a body slowly', () => {
    start(1)
    const sender = open('192.0.2.1', false)
    sender.queued = 0
    pass(20)
    open('192.0.2.2')
    assert.equal(sender.isReset, true)
  })

  it('are all looked at, however many there are', () => {
    start(5000)
    for (let i = 0; i < 3000; i++) open(`2001:db8:${i}::1`)
    pass(90)
    assert.equal(readers.filter(({ isReset }) => isReset).length, 3000)
  })
})
