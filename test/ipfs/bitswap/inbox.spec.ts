import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readMessages } from '../../../src/ipfs/bitswap/inbox.ts'
import { WireError } from '../../../src/ipfs/bitswap/wire.ts'

type Source = Parameters<typeof readMessages>[0]

/** A stream whose chunks are pushed by hand. */
function streamOf(): Source & { push: (chunk: Uint8Array) => void; end: () => void } {
  const chunks: Uint8Array[] = []
  let [isOver, wake]: [boolean, () => void] = [false, () => undefined]
  const stream = {
    push(chunk: Uint8Array) {
      chunks.push(chunk)
      wake()
    },
    end() {
      isOver = true
      wake()
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const chunk = chunks.shift()
        if (chunk !== undefined) yield chunk
        else if (isOver) return
        else await new Promise<void>((resolve) => void (wake = resolve))
      }
    },
  }
  return stream
}

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

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
      const reading = readMessages(stream, (message) =>
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
      const reading = readMessages(stream, () => assert.fail('there is no message'))
      stream.push(Buffer.from(head))
      await assert.rejects(reading, WireError)
    })
  }

  it('may have 4 MiB, in any pieces', async () => {
    const stream = streamOf()
    const bytes = randomBytes(4 * 2 ** 20)
    const messages: Uint8Array[] = []
    const reading = readMessages(stream, (message) => void messages.push(message))
    stream.push(Buffer.from([0x80, 0x80, 0x80, 0x02]))
    for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 300_007)
      stream.push(bytes.subarray(at, at + size))
    stream.end()
    await reading
    assert.deepEqual(messages.map(sha), [sha(bytes)])
  })
})
