import assert from 'node:assert/strict'
import { StalledError, notStalled } from '../../src/registry/patience.ts'
import { never } from '../support/registry-setup.ts'

describe('a source that must not stall', () => {
  it('passes on what it gives, and ends as it ends', async () => {
    const pieces = [Buffer.from('a'), Buffer.from('b')]
    const all = await Array.fromAsync(notStalled(() => streamOf(pieces), 1000, undefined))
    assert.deepEqual(all, pieces)
    const failing = notStalled(() => streamOf(pieces, new Error('gone')), 1000, undefined)
    await assert.rejects(Array.fromAsync(failing), /gone/)
  })

  it('is given up after its time, though it ignores the signal, and is told', async () => {
    let given: AbortSignal | undefined
    const open = (signal: AbortSignal): AsyncGenerator<Uint8Array> => {
      given = signal
      return stuck()
    }
    await assert.rejects(Array.fromAsync(notStalled(open, 10, undefined)), StalledError)
    assert.equal(given?.aborted, true)
  })

  it('is closed when its reader leaves, and does not count the time that the reader takes', async () => {
    let isClosed = false
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield Buffer.from('a')
        yield Buffer.from('b')
      } finally {
        isClosed = true
      }
    }
    for await (const _ of notStalled(() => source(), 10, undefined)) {
      await new Promise((resolve) => void setTimeout(resolve, 30))
      break
    }
    assert.equal(isClosed, true)
  })
})

async function* streamOf(pieces: readonly Uint8Array[], error?: Error): AsyncGenerator<Uint8Array> {
  yield* pieces
  if (error !== undefined) throw error
}

async function* stuck(): AsyncGenerator<Uint8Array> {
  await never(undefined)
  yield new Uint8Array()
}
