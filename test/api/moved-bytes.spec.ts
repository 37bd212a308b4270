import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { Connections } from '../../src/api/connections.ts'

/** A connection on which so many bytes have come. */
class Line extends Socket {
  came = 0

  constructor() {
    super()
    Object.defineProperty(this, 'bytesRead', { get: () => this.came })
  }
}

describe('api: the bytes that moved', () => {
  it('are counted once, of all connections, however many there are and however they end', () => {
    const connections = new Connections({ bound: 10_000, minDownloadRate: 0 })
    assert.equal(connections.moved(), 0)
    const lines = Array.from({ length: 1000 }, () => new Line())
    for (const line of lines) connections.add(line)
    for (const line of lines) line.came = 10
    const looks = Array.from({ length: 4 }, () => connections.moved())
    assert.equal(looks.at(-1), 10_000)
    assert.ok((looks[0] ?? 0) < 10_000, 'of many, some at a time')
    for (const line of lines) line.came = 15
    for (const line of lines.slice(0, 400)) line.emit('close')
    for (let look = 0; look < 4; look++) connections.moved()
    assert.equal(connections.moved(), 15_000)
    for (const line of lines) line.emit('close')
    assert.equal(connections.moved(), 15_000)
  })
})
