import assert from 'node:assert/strict'
import { LeafRoom } from '../../src/blocks/leaf-room.ts'
import type { LeafPlace, LeafTaker } from '../../src/blocks/leaf-room.ts'

/** Takes a place, and notes who got one. */
async function took(
  room: LeafRoom,
  got: string[],
  name: string,
  taker: LeafTaker = {},
): Promise<LeafPlace> {
  const place = await room.take(taker)
  got.push(name)
  return place
}

describe('the room for leaves', () => {
  it('gives a place that comes back to who waits longest, in the same memory', async () => {
    const room = new LeafRoom(1)
    const first = await room.take()
    const got: string[] = []
    const waiting = ['a', 'b', 'c'].map((name) => took(room, got, name))
    first[Symbol.dispose]()
    first[Symbol.dispose]() // once is enough
    for (const [i, each] of waiting.entries()) {
      const place = await each
      assert.equal(got.length, i + 1)
      assert.equal(place.bytes, first.bytes)
      place[Symbol.dispose]()
    }
    assert.deepEqual(got, ['a', 'b', 'c'])
    assert.ok(room.hasMore)
  })

  it('asks who has been filling a leaf for longest to put it down, and one for each who waits', async () => {
    const room = new LeafRoom(3, 0)
    const asked: string[] = []
    const places = new Map<string, LeafPlace>()
    for (const name of ['first', 'second', 'third']) {
      const putDown = (): void => {
        asked.push(name)
        places.get(name)?.[Symbol.dispose]()
      }
      places.set(name, await room.take({ putDown }))
    }
    assert.deepEqual(asked, [])
    using _one = await room.take()
    assert.deepEqual(asked, ['first'])
    using _two = await room.take()
    assert.deepEqual(asked, ['first', 'second'])
  })

  it('does not ask for a leaf that is full: it comes back from the disk', async () => {
    const room = new LeafRoom(2, 0)
    const asked: string[] = []
    const full = await room.take({ putDown: () => void asked.push('full') })
    const filling: LeafPlace = await room.take({
      putDown: () => {
        asked.push('filling')
        filling[Symbol.dispose]()
      },
    })
    full.full()
    using _ = await room.take()
    assert.deepEqual(asked, ['filling'])
  })

  it('asks who got the place of a leaf that came to the disk, when more wait', async () => {
    const room = new LeafRoom(1, 0)
    const first = await room.take({ putDown: () => assert.fail('it is full') })
    first.full()
    const second = room.take({
      putDown: () => void second.then((place) => place[Symbol.dispose]()),
    })
    const third = room.take()
    first[Symbol.dispose]()
    using _ = await third
  })

  it('gives those who were slow one place of four while others wait', async () => {
    const room = new LeafRoom(1)
    const first = await room.take()
    const got: string[] = []
    const waiting = [
      ...['slow', 'slow'].map((name) => took(room, got, name, { isSlow: true })),
      ...['a', 'b', 'c', 'd', 'e'].map((name) => took(room, got, name)),
    ]
    first[Symbol.dispose]()
    const pass = async (each: Promise<LeafPlace>): Promise<void> => (await each)[Symbol.dispose]()
    await Promise.all(waiting.map(pass))
    assert.deepEqual(got, ['a', 'b', 'c', 'slow', 'd', 'e', 'slow'])
  })

  it('is not taken by who does not want it any more', async () => {
    const room = new LeafRoom(1)
    const first = await room.take()
    const leave = new AbortController()
    const left = room.take({ signal: leave.signal })
    leave.abort(new Error('gone'))
    await assert.rejects(left, /gone/)
    await assert.rejects(room.take({ signal: leave.signal }), /gone/)
    first[Symbol.dispose]()
    assert.ok(room.hasMore)
  })
})
