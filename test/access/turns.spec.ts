import assert from 'node:assert/strict'
import { Turns } from '../../src/access/turns.ts'

/** Takes turns and keeps who had one, or none, in the order in which it was told. */
function open(mostWaiting: number) {
  const turns = new Turns({ atOnce: 1, mostWaiting })
  const told: string[] = []
  const take = (from: string): void =>
    void turns.take(from).then((has) => told.push(has ? from : `no ${from}`))
  const settled = () => new Promise((resolve) => void setImmediate(resolve))
  const endAll = async (): Promise<string[]> => {
    await settled()
    for (let n = 0; n < mostWaiting; n++) {
      turns.end()
      await settled()
    }
    return told
  }
  return { turns, take, told, settled, endAll }
}

describe('turns', () => {
  it('go round by where they are asked for: who has one waits for one of each', async () => {
    const { take, endAll } = open(10)
    for (const from of ['a', 'a', 'a', 'a', 'b', 'c', 'b']) take(from)
    assert.deepEqual(await endAll(), ['a', 'a', 'b', 'c', 'a', 'b', 'a'])
  })

  it('make room for who has least waiting, at the cost of who has most', async () => {
    const { take, endAll, told, settled } = open(4)
    for (const from of ['a', 'a', 'a', 'a', 'a']) take(from)
    take('b')
    take('a')
    await settled()
    assert.deepEqual(told, ['a', 'no a', 'no a'])
    assert.deepEqual(await endAll(), ['a', 'no a', 'no a', 'a', 'b', 'a', 'a'])
  })

  it('are not to be had by more than may wait, from however many places', async () => {
    const { take, endAll } = open(2)
    for (const from of ['a', 'b', 'c', 'd', 'e']) take(from)
    assert.deepEqual(await endAll(), ['a', 'no d', 'no e', 'b', 'c'])
  })

  it('are free again when nobody waits', async () => {
    const { turns, take, told, settled } = open(2)
    take('a')
    await settled()
    turns.end()
    take('b')
    await settled()
    assert.deepEqual(told, ['a', 'b'])
  })
})
