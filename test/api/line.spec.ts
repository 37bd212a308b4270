import assert from 'node:assert/strict'
import { Line } from '../../src/api/line.ts'

describe('a line', () => {
  /** Who is called, in order. */
  function called(line: Line): string[] {
    const order: string[] = []
    for (let next = line.next(); next !== undefined; next = line.next()) order.push(next.client)
    return order
  }
  const add = (line: Line, clients: string) =>
    clients.split('').map((client) => {
      const waiting = { client, enter: () => undefined }
      line.add(waiting)
      return waiting
    })

  it('calls one client after the other, however many requests each has in it', () => {
    const line = new Line()
    add(line, 'aaaabbc')
    assert.equal(called(line).join(''), 'abcabaa')
    assert.equal(line.isEmpty, true)
  })

  it('does not let a client come first again by coming often', () => {
    const line = new Line()
    add(line, 'aab')
    assert.equal(line.next()?.client, 'a')
    add(line, 'aac')
    assert.equal(called(line).join(''), 'bacaa')
  })

  it('calls the requests of a client in the order in which they came, and none that has gone', () => {
    const line = new Line()
    const [first, second, third] = add(line, 'aaa')
    assert.equal(line.delete(second!), true)
    assert.equal(line.delete(second!), false)
    assert.deepEqual([line.next(), line.next(), line.next()], [first, third, undefined])
    assert.equal(line.delete(first!), false)
  })
})
