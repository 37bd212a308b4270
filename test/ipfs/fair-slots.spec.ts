import assert from 'node:assert/strict'
import { FairSlots } from '../../src/ipfs/fair-slots.ts'
import { turn, until } from './transfer/fake-stream.ts'
import type { Asker, FairSlotsOptions, Hold } from '../../src/ipfs/fair-slots.ts'

const { signal } = new AbortController()
const onStalled = (): void => undefined
const of = (host: string, peer: string): Asker => ({ host, peer })

function slotsOf(options: Partial<FairSlotsOptions> = {}): FairSlots {
  return new FairSlots({ slots: 4, perHost: 3, waiting: 100, stalled: 60_000, ...options })
}

/** Asks, and notes when it is let in. */
function ask(slots: FairSlots, asker: Asker, entered: string[]): Promise<Hold> {
  const taken = slots.take(asker, { signal, onStalled })
  taken.then(
    () => entered.push(`${asker.host} ${asker.peer}`),
    () => undefined,
  )
  return taken
}

describe('slots for strangers', () => {
  it('are not all for one host', async () => {
    const slots = slotsOf()
    const entered: string[] = []
    for (let n = 0; n < 6; n++) void ask(slots, of('a', `${n}`), entered)
    await turn()
    assert.deepEqual(entered, ['a 0', 'a 1', 'a 2'])
    void ask(slots, of('b', 'x'), entered)
    await turn()
    assert.equal(entered.at(-1), 'b x')
    void ask(slots, of('c', 'x'), entered)
    await turn()
    assert.equal(entered.length, 4)
  })

  it('are given to hosts in turn, and to the peers of each in turn', async () => {
    const slots = slotsOf({ slots: 1, perHost: 1 })
    const entered: string[] = []
    const holds = [ask(slots, of('first', 'x'), entered)]
    const line = ['a 1', 'a 1', 'a 2', 'b 1', 'b 1']
    for (const who of line) {
      const [host = '', peer = ''] = who.split(' ')
      holds.push(ask(slots, of(host, peer), entered))
    }
    await turn()
    for (let n = 0; n < line.length; n++) {
      for (const hold of holds) void hold.then((each) => each.release())
      await turn()
    }
    await until(() => entered.length === holds.length)
    assert.deepEqual(entered, ['first x', 'a 1', 'b 1', 'a 2', 'b 1', 'a 1'])
  })

  it('are all free again after everybody has gone, whoever waited in vain', async () => {
    const slots = slotsOf()
    const holds: Hold[] = []
    for (const host of ['a', 'a', 'a', 'b'])
      holds.push(await slots.take(of(host, 'x'), { signal, onStalled }))
    const leaving = new AbortController()
    const gone = slots.take(of('c', 'x'), { signal: leaving.signal, onStalled })
    leaving.abort(new Error('gone'))
    await assert.rejects(gone, /gone/)
    for (const hold of holds) {
      hold.release()
      hold.release()
    }
    const entered: string[] = []
    for (const host of ['a', 'b', 'c', 'd', 'e']) void ask(slots, of(host, 'x'), entered)
    await turn()
    assert.deepEqual(entered, ['a x', 'b x', 'c x', 'd x'])
  })

  it('keep no longer a line than is allowed', async () => {
    const slots = slotsOf({ slots: 1, perHost: 1, waiting: 2 })
    const entered: string[] = []
    for (let n = 0; n < 3; n++) void ask(slots, of('a', 'x'), entered)
    await assert.rejects(ask(slots, of('b', 'x'), entered), /2 requests are waiting/)
  })

  it('have to be left by who moves nothing, when somebody waits, and only then', async () => {
    const slots = slotsOf({ slots: 2, perHost: 2, stalled: 40 })
    const told: string[] = []
    const take = async (peer: string): Promise<Hold> => {
      const hold = await slots.take(of('a', peer), {
        signal,
        onStalled: () => {
          told.push(peer)
          hold.release()
        },
      })
      return hold
    }
    await take('idle')
    const busy = await take('busy')
    const working = setInterval(() => busy.moved(), 5)
    await new Promise((resolve) => void setTimeout(resolve, 150))
    assert.deepEqual(told, [])
    await take('next')
    clearInterval(working)
    assert.deepEqual(told, ['idle'])
  })
})
