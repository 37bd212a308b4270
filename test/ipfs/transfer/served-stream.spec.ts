import assert from 'node:assert/strict'
import { encodeFrame } from '../../../src/ipfs/transfer/frames.ts'
import { ANSWERS, FRAME, MAX_OPEN_WANTS } from '../../../src/ipfs/transfer/protocol.ts'
import { ServedStream } from '../../../src/ipfs/transfer/served-stream.ts'
import { SERVER_LIMITS, ServerUse } from '../../../src/ipfs/transfer/server-limits.ts'
import { FakeStream, someBlock, turn, until } from './fake-stream.ts'
import type { ServerLimits } from '../../../src/ipfs/transfer/server-limits.ts'

interface Served {
  stream: FakeStream
  /** Blocks that the peer may have. */
  held: Map<string, Uint8Array>
  /** Hashes that were looked for. */
  reads: string[]
  use: ServerUse
  ended: () => boolean
}

function serve(limits: Partial<ServerLimits> = {}, shared?: ServerUse): Served {
  const use = shared ?? new ServerUse({ ...SERVER_LIMITS, ...limits })
  const stream = new FakeStream()
  const held = new Map<string, Uint8Array>()
  const reads: string[] = []
  let ended = false
  const asker = { peer: `peer ${shared === undefined ? 1 : 2}`, host: '192.0.2.1' }
  const peerUse = use.enter(asker)
  assert.ok(peerUse)
  const served = new ServedStream(stream, {
    asker,
    use,
    peerUse,
    blocks: {
      has: (cid) => Promise.resolve(held.has(hex(cid.multihash.digest))),
      read: (cid) => {
        reads.push(hex(cid.multihash.digest))
        return Promise.resolve(held.get(hex(cid.multihash.digest)))
      },
    },
    onHello: () => undefined,
    peersOf: () => Promise.resolve([]),
    onEnd: () => (ended = true),
  })
  assert.ok(served)
  return { stream, held, reads, use, ended: () => ended }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function want(...hashes: readonly Uint8Array[]): Uint8Array {
  return encodeFrame(FRAME.want, ...hashes)
}

/** The bodies of the blocks that were sent. */
function blocks({ stream }: Served): Uint8Array[] {
  return stream.frames(ANSWERS).flatMap(({ type, body }) => (type === FRAME.block ? [body] : []))
}

describe('serving a peer', () => {
  it('gives the blocks in the order of the wants, and says which are not there', async () => {
    const served = serve()
    const [a, b] = [someBlock(), someBlock(300_000)]
    for (const { bytes, hash } of [a, b]) served.held.set(hex(hash), bytes)
    served.stream.receive(want(a.hash, someBlock().hash), want(b.hash))
    await until(() => blocks(served).length === 3)
    assert.deepEqual(
      blocks(served).map(({ length }) => length),
      [1001, 1, 300_001],
    )
    assert.ok(Buffer.from(b.bytes).equals(blocks(served)[2]?.subarray(1) ?? Buffer.of()))
  })

  it('tells which blocks it has, of those that the peer may have', async () => {
    const served = serve()
    const a = someBlock()
    served.held.set(hex(a.hash), a.bytes)
    served.stream.receive(encodeFrame(FRAME.has, someBlock().hash, a.hash))
    await until(() => served.stream.sent.length > 0)
    assert.deepEqual(served.stream.frames(ANSWERS), [{ type: FRAME.held, body: Buffer.of(0b10) }])
  })

  it('closes when the peer has no more questions, after the last answer', async () => {
    const served = serve()
    const a = someBlock()
    served.held.set(hex(a.hash), a.bytes)
    served.stream.receive(want(a.hash))
    served.stream.receiveEnd()
    await until(served.ended)
    assert.equal(blocks(served).length, 1)
    assert.equal(served.stream.endedWith, undefined)
  })
})

describe('a greedy peer', () => {
  it('that never reads costs two blocks of memory, and is dropped', async () => {
    const served = serve({ patience: 60, slowest: 1e9 })
    const asked = Array.from({ length: 20 }, () => someBlock(200_000))
    for (const { bytes, hash } of asked) served.held.set(hex(hash), bytes)
    served.stream.takes = false
    served.stream.receive(want(...asked.map(({ hash }) => hash)))
    await until(served.ended)
    assert.match(served.stream.endedWith?.message ?? '', /too slowly/)
    assert.ok(served.reads.length <= 2, `${served.reads.length} blocks were read`)
    assert.ok(served.stream.sentBytes <= 70_000, `${served.stream.sentBytes} bytes were sent`)
    // What it held is free for others.
    const { signal } = new AbortController()
    const { use } = served
    const asker = { peer: 'other', host: '192.0.2.1' }
    for (let i = 0; i < use.limits.blocksPerHost; i++)
      await use.blocks.take(asker, { signal, onStalled: () => undefined })
  })

  it('that takes nothing is dropped when another waits, and not one that takes little by little', async () => {
    const served = serve({ blocks: 3, stalled: 60 })
    const other = serve({}, served.use)
    // Piece by piece these take longer than somebody may be stalled.
    const asked = Array.from({ length: 3 }, () => someBlock(2_000_000))
    for (const { held } of [served, other])
      for (const { bytes, hash } of asked) held.set(hex(hash), bytes)
    served.stream.takes = false
    other.stream.takes = false
    served.stream.receive(want(...asked.map(({ hash }) => hash)))
    await until(() => served.reads.length === 2)
    other.stream.receive(want(...asked.map(({ hash }) => hash)))
    const drip = setInterval(() => {
      other.stream.drain()
      other.stream.takes = false
    }, 5)
    await until(served.ended)
    assert.match(served.stream.endedWith?.message ?? '', /others wait/)
    await until(() => other.reads.length === 3)
    clearInterval(drip)
    assert.ok(!other.ended())
    other.stream.abort(new Error('enough'))
  })

  it('that asks without end is dropped', async () => {
    const served = serve()
    served.stream.takes = false
    const hashes = Array.from({ length: 32 }, () => someBlock(1).hash)
    for (let i = 0; i <= MAX_OPEN_WANTS / 32; i++) served.stream.receive(want(...hashes))
    served.stream.receive(want(...hashes))
    await until(served.ended)
    assert.match(served.stream.endedWith?.message ?? '', /too many/)
  })

  it('that asks whether we have things, without end, is dropped', async () => {
    const served = serve()
    served.stream.takes = false
    const frame = encodeFrame(FRAME.has, someBlock().hash)
    for (let i = 0; i < 30; i++) served.stream.receive(frame)
    await until(served.ended)
  })

  it('gets no more streams than are allowed, also after some ended', () => {
    const limits = { streamsPerPeer: 2, streamsPerHost: 3, streams: 4 }
    const use = new ServerUse({ ...SERVER_LIMITS, ...limits })
    const [a, b, c] = ['a', 'b', 'c'].map((peer) => ({ peer, host: '192.0.2.1' }))
    assert.ok(a && b && c)
    const first = use.enter(a)
    assert.ok(first)
    assert.ok(use.enter(a))
    assert.equal(use.enter(a), undefined)
    assert.ok(use.enter(b))
    assert.equal(use.enter(c), undefined)
    // Another host has its own.
    assert.ok(use.enter({ peer: 'd', host: '192.0.2.2' }))
    assert.equal(use.enter({ peer: 'e', host: '192.0.2.3' }), undefined)
    use.leave(a, first)
    assert.ok(use.enter(c))
  })

  it('gets no more lookups in a second than are allowed', async () => {
    const served = serve({ lookups: 100, lookupsAtOnce: 10 })
    const hashes = Array.from({ length: 20 }, () => someBlock(1).hash)
    served.stream.receive(want(...hashes))
    const began = performance.now()
    await until(() => blocks(served).length === 20)
    assert.ok(
      performance.now() - began >= 90,
      'ten lookups over the burst take a tenth of a second',
    )
  })

  it('gets no more bytes in a second than are configured', async () => {
    const served = serve({ peerRate: 1_000_000 })
    const { bytes, hash } = someBlock(450_000)
    served.held.set(hex(hash), bytes)
    const began = performance.now()
    served.stream.receive(want(hash))
    await until(() => blocks(served).length === 1)
    assert.ok(
      performance.now() - began >= 190,
      'a quarter of a second goes at once, the rest takes 0.2 s',
    )
  })

  it('that asks nothing any more is let go', async () => {
    const served = serve({ idle: 20 })
    await until(served.ended)
    assert.match(served.stream.endedWith?.message ?? '', /nothing was asked/)
  })

  it('that asks after its last question is dropped', async () => {
    const served = serve()
    served.stream.takes = false
    const { bytes, hash } = someBlock()
    served.held.set(hex(hash), bytes)
    served.stream.receive(want(hash))
    served.stream.receiveEnd()
    served.stream.receive(want(hash))
    await turn()
    assert.ok(served.ended())
  })
})
