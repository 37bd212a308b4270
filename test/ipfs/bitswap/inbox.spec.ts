import assert from 'node:assert/strict'
import { Inbox } from '../../../src/ipfs/bitswap/inbox.ts'
import { WireError } from '../../../src/ipfs/bitswap/wire.ts'

type Source = Parameters<Inbox['read']>[0]

/** A stream whose chunks are pushed by hand; an abort ends it with its error. */
function streamOf(): Source & {
  push: (chunk: Uint8Array) => void
  end: () => void
  error?: Error
} {
  const chunks: Uint8Array[] = []
  let [isOver, wake]: [boolean, () => void] = [false, () => undefined]
  const stream = {
    error: undefined as Error | undefined,
    push(chunk: Uint8Array) {
      chunks.push(chunk)
      wake()
    },
    end() {
      isOver = true
      wake()
    },
    abort(error: Error) {
      stream.error = error
      wake()
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        if (stream.error !== undefined) throw stream.error
        const chunk = chunks.shift()
        if (chunk !== undefined) yield chunk
        else if (isOver) return
        else await new Promise<void>((resolve) => void (wake = resolve))
      }
    },
  }
  return stream as ReturnType<typeof streamOf>
}

const settle = () => new Promise((resolve) => void setImmediate(resolve))

describe('the messages that peers send', () => {
  it('come whole, however they are cut, and many after another', async () => {
    const bytes = Buffer.concat([
      Buffer.from([3]),
      Buffer.from('abc'),
      Buffer.from([0, 0x80, 1]),
      Buffer.alloc(128, 'x'),
    ])
    for (const size of [1, 2, 3, 5, 1000]) {
      const stream = streamOf()
      const messages: string[] = []
      const reading = new Inbox().read(stream, (message) =>
        messages.push(Buffer.from(message).toString()),
      )
      for (let at = 0; at < bytes.length; at += size) stream.push(bytes.subarray(at, at + size))
      stream.end()
      await reading
      assert.deepEqual(messages, ['abc', '', 'x'.repeat(128)])
    }
  })

  for (const [what, head] of [
    ['is longer than 4 MiB', [0x81, 0x80, 0x80, 0x02]],
    ['says a length that never ends', [0xff, 0xff, 0xff, 0xff, 0xff]],
  ] as const) {
    it(`end the stream when one ${what}, before it has come`, async () => {
      const stream = streamOf()
      const reading = new Inbox().read(stream, () => assert.fail('there is no message'))
      stream.push(Buffer.from(head))
      await assert.rejects(reading, WireError)
    })
  }

  it('that have begun hold so many bytes in all; those that began first are cut off', async () => {
    const inbox = new Inbox(1000)
    const streams = Array.from({ length: 4 }, () => streamOf())
    const messages: number[] = []
    const readings = streams.map((stream, n) =>
      inbox.read(stream, () => void messages.push(n)).catch(() => undefined),
    )
    const begin = Buffer.concat([Buffer.from([0x90, 0x03]), Buffer.alloc(300)]) // of 400
    for (const stream of streams) {
      stream.push(begin)
      await settle()
    }
    assert.deepEqual(
      streams.map(({ error }) => error !== undefined),
      [true, false, false, false],
    )
    for (const stream of streams) stream.push(Buffer.alloc(100))
    for (const stream of streams) stream.end()
    await Promise.all(readings)
    assert.deepEqual(
      messages.toSorted((a, b) => a - b),
      [1, 2, 3],
    )
  })
})
