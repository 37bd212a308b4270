import assert from 'node:assert/strict'
import { WantServer } from '../../../src/ipfs/bitswap/want-server.ts'
import { decodeMessage, readVarint } from '../../../src/ipfs/bitswap/wire.ts'
import { randomBlock } from '../nodes.ts'
import type { CID } from 'multiformats/cid'
import type { Asker } from '../../../src/ipfs/fair-slots.ts'
import type { Message, Want } from '../../../src/ipfs/bitswap/wire.ts'

const MiB = 2 ** 20

function wantOf(cid: CID, change: Partial<Want> = {}): Want {
  return { cid, kind: 'block', isCancelled: false, wantsNo: true, ...change }
}

/** A peer on a host of its own. */
function of(peer: string): Asker {
  return { peer, host: peer }
}

/** A server of some blocks, to peers that take an answer when they are told to. */
async function serverOf(sizes: readonly number[], stalled?: number) {
  const blocks = await Promise.all(sizes.map((size) => randomBlock(size)))
  const byCid = new Map(blocks.map(({ cid, bytes }) => [cid.toString(), bytes]))
  const sent: { peer: string; message: Message; taken: PromiseWithResolvers<void> }[] = []
  const dropped: string[] = []
  let read = 0
  const server = new WantServer(
    {
      blocks: {
        has: (cid) => Promise.resolve(byCid.has(cid.toString())),
        read: (cid) => {
          read++
          return Promise.resolve(byCid.get(cid.toString()))
        },
      },
      send: (peer, bytes, { signal }) => {
        const taken = Promise.withResolvers<void>()
        signal.addEventListener('abort', () => taken.reject(signal.reason as Error))
        const body = bytes.subarray(readVarint(bytes, 0)?.end)
        sent.push({ peer, message: decodeMessage(body), taken })
        return taken.promise
      },
      drop: (peer) => void dropped.push(peer),
    },
    stalled,
  )
  return { server, blocks, sent, dropped, reads: () => read }
}

/** Lets everything run that can run without time passing. */
async function settle(): Promise<void> {
  for (let n = 0; n < 300; n++) await new Promise((resolve) => void setImmediate(resolve))
}

describe('the answers to what peers want', () => {
  it('are blocks, and a word about what is here and what is not, for those who want one', async () => {
    const { server, blocks, sent } = await serverOf([100, 200])
    const absent = (await randomBlock()).cid
    const quiet = (await randomBlock()).cid
    const [one, two] = blocks
    const wants = [
      wantOf(one!.cid),
      wantOf(two!.cid, { kind: 'presence' }),
      wantOf(absent),
      wantOf(quiet, { wantsNo: false }),
    ]
    server.receive(of('a'), wants, false)
    await settle()
    const all = sent.map(({ message }) => message)
    assert.deepEqual(
      all.flatMap((each) => each.blocks).map((each) => Buffer.from(each)),
      [one!.bytes],
    )
    const said = all.flatMap((each) => each.presences).map(({ cid, has }) => [String(cid), has])
    assert.deepEqual(
      new Map(said as [string, boolean][]),
      new Map([
        [String(two!.cid), true],
        [String(absent), false],
      ]),
    )
  })

  it('come again when they are asked for again', async () => {
    const { server, blocks, sent } = await serverOf([100])
    for (let n = 1; n <= 3; n++) {
      server.receive(of('a'), [wantOf(blocks[0]!.cid)], false)
      await settle()
      assert.equal(sent.length, n)
      sent.at(-1)?.taken.resolve()
      await settle()
    }
  })

  it('do not come when they are cancelled, or the peer wants only others, or has gone', async () => {
    const { server, blocks, sent } = await serverOf([MiB, MiB, MiB, MiB])
    const [a, b, c, d] = blocks.map(({ cid }) => cid)
    server.receive(
      of('a'),
      [a!, b!, c!].map((cid) => wantOf(cid)),
      false,
    )
    await settle()
    server.receive(of('a'), [wantOf(c!, { isCancelled: true })], false)
    server.receive(of('a'), [wantOf(d!)], true)
    await settle()
    for (const { taken } of sent) taken.resolve()
    await settle()
    assert.equal(sent.length, 3, 'two were on their way, and then the new one')
    server.receive(
      of('b'),
      [a!, b!, c!].map((cid) => wantOf(cid)),
      false,
    )
    server.forget('b')
    for (const { taken } of sent) taken.resolve()
    await settle()
    assert.ok(sent.filter(({ peer }) => peer === 'b').length <= 2)
  })

  it('are in memory only as far as somebody takes them: two of a peer, 24 of all', async () => {
    const { server, blocks, sent, reads } = await serverOf(Array.from({ length: 40 }, () => MiB))
    const wants = blocks.map(({ cid }) => wantOf(cid))
    server.receive(of('a'), wants, false)
    await settle()
    assert.equal(sent.length, 2)
    for (let n = 0; n < 64; n++) server.receive(of(`peer ${n}`), wants, false)
    await settle()
    assert.equal(sent.length, 24)
    assert.ok(reads() <= 24, `${reads()} blocks were read`)
    sent[0]?.taken.resolve()
    await settle()
    assert.equal(sent.length, 25)
  })

  it('end with a peer that does not take them, and go on to the others', async () => {
    const { server, blocks, sent, dropped } = await serverOf(Array.from({ length: 8 }, () => MiB))
    const wants = blocks.map(({ cid }) => wantOf(cid))
    for (let n = 0; n < 12; n++) server.receive(of(`greedy ${n}`), wants, false)
    server.receive(of('good'), wants, false)
    await settle()
    assert.equal(sent.filter(({ peer }) => peer === 'good').length, 0)
    for (const { taken } of sent) taken.reject(new Error('too slow'))
    await settle()
    assert.equal(new Set(dropped).size, 12)
    assert.equal(sent.filter(({ peer }) => peer === 'good').length, 2)
  })

  it('end with peers that take nothing while another waits', async () => {
    const { server, blocks, sent, dropped } = await serverOf([MiB, MiB], 30)
    const wants = blocks.map(({ cid }) => wantOf(cid))
    for (let n = 0; n < 12; n++) server.receive(of(`greedy ${n}`), wants, false)
    await settle()
    await new Promise((resolve) => void setTimeout(resolve, 60))
    assert.deepEqual(dropped, [], 'nobody waits')
    server.receive(of('good'), wants, false)
    while (!sent.some(({ peer }) => peer === 'good')) await settle()
    assert.ok(dropped.length > 0)
  })

  it('are for a thousand wants of a peer, and no more', async () => {
    const { server, sent } = await serverOf([])
    const absent = await Promise.all(Array.from({ length: 1500 }, () => randomBlock(8)))
    server.receive(
      of('a'),
      absent.map(({ cid }) => wantOf(cid)),
      false,
    )
    await settle()
    for (const { taken } of sent) taken.resolve()
    await settle()
    assert.equal(sent.flatMap(({ message }) => message.presences).length, 1024)
  })
})
