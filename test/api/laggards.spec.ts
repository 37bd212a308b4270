import assert from 'node:assert/strict'
import { Laggards } from '../../src/api/laggards.ts'

describe('api: whose connection makes place for a newcomer', () => {
  let now = 0
  let laggards: Laggards<string>
  beforeEach(() => {
    now = 0
    laggards = new Laggards(() => now)
  })

  /** So many connections of a client, each a byte a second faster than the one before. */
  function add(client: string, count: number, rate = 1000): void {
    for (let i = 0; i < count; i++) laggards.judge(`${client}${i}`, client, rate + i)
  }
  const places = (newcomer: string, count: number) =>
    Array.from({ length: count }, () => laggards.placeFor(newcomer))

  it('is the slowest of who has most, down to what others have', () => {
    add('a', 3)
    add('b', 1, 10)
    add('c', 2, 500)
    assert.deepEqual(places('x', 7), ['a0', 'c0', 'a1', 'b0', 'c1', 'a2', undefined])
  })

  it('is nobody who is at work at a usual rate, nor one of whom nothing is known', () => {
    laggards.judge('quick', 'a', 32 * 1024)
    laggards.judge('new', 'b', undefined)
    laggards.judge('recovered', 'c', 10)
    laggards.judge('recovered', 'c', 100_000)
    laggards.judge('gone', 'd', 10)
    laggards.delete('gone')
    assert.equal(laggards.placeFor('x'), undefined)
  })

  it('is not one of the newcomer himself, nor of those who have fewer, unless he has many', () => {
    add('few', 8)
    add('one', 1, 10)
    assert.equal(laggards.placeFor('few'), undefined)
    assert.equal(laggards.placeFor('x'), 'few0')
    now += 1000
    assert.equal(laggards.placeFor('one'), 'few1')
    // As behind a proxy, where all are one.
    add('many', 20)
    now += 1000
    assert.equal(laggards.placeFor('many'), 'many0')
  })

  it('is not one that has meanwhile caught up or closed', () => {
    add('a', 4)
    assert.equal(laggards.placeFor('x'), 'a0')
    laggards.judge('a1', 'a', undefined)
    laggards.delete('a2')
    assert.deepEqual(places('x', 2), ['a3', undefined])
  })

  it('is found without a look at all of them for each newcomer', () => {
    add('a', 2)
    assert.equal(laggards.placeFor('x'), 'a0')
    add('b', 3)
    assert.deepEqual(places('x', 2), ['a1', undefined])
    now += 1000
    assert.equal(laggards.placeFor('x'), 'b0')
  })
})
