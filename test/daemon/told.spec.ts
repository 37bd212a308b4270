import assert from 'node:assert/strict'
import { once } from 'node:events'
import { told, toldReport } from '../../src/daemon/told.ts'

const HOW_FAR = { done: 7 }

describe('what is told of work that takes long', () => {
  it('is how far it is while nothing comes, and else what comes', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    async function* work(): AsyncGenerator<object> {
      yield { value: 1 }
      await promise
      yield { value: 2 }
    }
    const lines = told(work, () => HOW_FAR, {})
    assert.deepEqual((await lines.next()).value, { value: 1 })
    assert.deepEqual((await lines.next()).value, HOW_FAR)
    resolve()
    assert.deepEqual((await lines.next()).value, { value: 2 })
    assert.equal((await lines.next()).done, true)
  })

  it('is nothing before it has begun, and its report at the end', async () => {
    const { promise, resolve } = Promise.withResolvers<object>()
    const asked: number[] = []
    const progress = (): object | undefined => {
      asked.push(1)
      if (asked.length === 2) resolve({ blocks: 3 })
      return undefined
    }
    const lines = await Array.fromAsync(toldReport(() => promise, progress, {}))
    assert.deepEqual(lines, [{ report: { blocks: 3 } }])
    assert.equal(asked.length, 2)
  })

  it('ends with the error of the work, also when nobody was waiting for it', async () => {
    const { promise, reject } = Promise.withResolvers<object>()
    const lines = toldReport(
      () => promise,
      () => HOW_FAR,
      {},
    )
    await lines.next()
    reject(new Error('the disk is full'))
    await new Promise(setImmediate) // an error that nobody waits for would end the process here
    await assert.rejects(lines.next(), /the disk is full/)
  })

  it('is not told to who left: then the work is ended, and waited for', async () => {
    const seen: string[] = []
    async function* work(signal: AbortSignal): AsyncGenerator<object> {
      try {
        yield { value: 1 }
        await once(signal, 'abort')
        seen.push('left')
      } finally {
        seen.push('ended')
      }
    }
    for await (const line of told(work, () => HOW_FAR, {})) if (line === HOW_FAR) break
    assert.deepEqual(seen, ['left', 'ended'])
  })
})
