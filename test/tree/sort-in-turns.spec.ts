import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { sortInTurns } from '../../src/tree/sort-in-turns.ts'

describe('names that are sorted in turns', () => {
  it('are those of an ordinary sort, each once (property)', async () => {
    const name = fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('a', 'B', 'é', ''))
    await fc.assert(
      fc.asyncProperty(fc.array(name), fc.integer({ min: 1, max: 9000 }), async (names, times) => {
        const many = names.flatMap((each) => [each, `${each}${times}`])
        const all = Array.from({ length: Math.min(times, 200) }, () => many).flat()
        assert.deepEqual(await sortInTurns(all), [...new Set(all)].sort())
      }),
      { numRuns: 60 },
    )
    const numbers = Array.from({ length: 50_000 }, (_, n) => String((n * 7919) % 30_000))
    assert.deepEqual(await sortInTurns(numbers), [...new Set(numbers)].sort())
  })

  it('let others have their turn', async () => {
    const names = Array.from({ length: 100_000 }, (_, n) => String((n * 7919) % 100_000))
    let [turns, isOver] = [0, false]
    const others = async (): Promise<void> => {
      for (; !isOver; turns++) await setImmediate()
    }
    const waiting = others()
    await sortInTurns(names)
    isOver = true
    await waiting
    assert.ok(turns > 20, `${turns} turns`)
  })
})
