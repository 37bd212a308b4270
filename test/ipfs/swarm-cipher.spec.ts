import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { StreamMessageEvent } from '@libp2p/interface'
import { silent, componentLogger } from '../../src/ipfs/logger.ts'
import { swarmProtector } from '../../src/ipfs/swarm-cipher.ts'
import type { ConnectionProtector, MessageStream } from '@libp2p/interface'

/** One end of a wire in memory. */
class End extends EventTarget {
  readonly log = componentLogger(silent).forComponent('test')
  readonly direction = 'outbound'
  readonly readBufferLength = 0
  status = 'open'
  other: End | undefined

  send(data: Uint8Array | { subarray(): Uint8Array }): boolean {
    const bytes = Uint8Array.from(data.subarray())
    const other = this.other
    void turn().then(() => other?.dispatchEvent(new StreamMessageEvent(bytes)))
    return true
  }
  unshift(data: { subarray(): Uint8Array }): void {
    const bytes = Uint8Array.from(data.subarray())
    void turn().then(() => this.dispatchEvent(new StreamMessageEvent(bytes)))
  }
  push(): void {}
  close(): void {
    if (this.status !== 'open') return
    this.status = 'closed'
    this.dispatchEvent(new Event('close'))
    this.other?.close()
  }
}

/** Answers with the nonce it got, and has nothing more to say. */
class Echo extends End {
  override send(data: Uint8Array | { subarray(): Uint8Array }): boolean {
    const bytes = Uint8Array.from(data.subarray())
    queueMicrotask(() => this.dispatchEvent(new StreamMessageEvent(bytes)))
    return true
  }
}

type Pair = { a: MessageStream; b: MessageStream; close(): void }

async function connectPair(left: ConnectionProtector, right = left): Promise<Pair> {
  const [x, y] = [new End(), new End()]
  ;[x.other, y.other] = [y, x]
  const protect = (protector: ConnectionProtector, end: End) =>
    protector.protect(end as unknown as MessageStream)
  const [a, b] = await Promise.all([protect(left, x), protect(right, y)])
  return { a, b, close: () => x.close() }
}

/** Sends bytes and gives what arrives, so many bytes of it. */
async function carry(from: MessageStream, to: MessageStream, bytes: Uint8Array): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  const onMessage = ({ data }: StreamMessageEvent) => {
    parts.push(data.subarray())
    length += data.byteLength
    if (length >= bytes.length) resolve()
  }
  to.addEventListener('message', onMessage)
  from.send(bytes)
  await promise
  to.removeEventListener('message', onMessage)
  return Buffer.concat(parts)
}

const [key, other] = [randomBytes(32), randomBytes(32)]

describe('the encryption of a private network', () => {
  it('carries a message of several MiB, and does not break other connections by it', async () => {
    const protector = swarmProtector(key)()
    const pairs = [await connectPair(protector), await connectPair(protector)] as const
    for (const length of [3_000_001, ...Array.from({ length: 30 }, () => 700_000)]) {
      const bytes = randomBytes(length)
      for (const { a, b } of pairs) assert.ok((await carry(a, b, bytes)).equals(bytes))
    }
    for (const { close } of pairs) close()
  })

  it('is not used up by connections, whatever key they have', async () => {
    const member = swarmProtector(key)()
    const before = await connectPair(member)
    for (let i = 0; i < 6_000; i++) {
      const passer = new Echo()
      await member.protect(passer as unknown as MessageStream)
      passer.close()
    }
    const bytes = randomBytes(1_000_000)
    for (const { a, b } of [before, await connectPair(member)])
      assert.ok((await carry(a, b, bytes)).equals(bytes))
  })

  it('turns everything into noise for another key', async () => {
    const { a, b } = await connectPair(swarmProtector(key)(), swarmProtector(other)())
    const bytes = Buffer.from('/multistream/1.0.0\n')
    assert.ok(!(await carry(a, b, bytes)).equals(bytes))
  })

  it('carries nothing after the end', async () => {
    const { a, b, close } = await connectPair(swarmProtector(key)())
    close()
    b.addEventListener('message', () => assert.fail('a message came'))
    assert.throws(() => a.send(randomBytes(10)))
    await turn()
  })
})
