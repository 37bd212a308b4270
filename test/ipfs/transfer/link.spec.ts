import assert from 'node:assert/strict'
import { Urgency } from '../../../src/blocks/flights.ts'
import { encodeBits, encodeFrame, frameHeader } from '../../../src/ipfs/transfer/frames.ts'
import { Link } from '../../../src/ipfs/transfer/link.ts'
import { ABSENT, FRAME, PRESENT, QUESTIONS } from '../../../src/ipfs/transfer/protocol.ts'
import { LinkError } from '../../../src/ipfs/transfer/questions.ts'
import { FakeStream, someBlock, turn, until } from './fake-stream.ts'
import type { LinkTimes } from '../../../src/ipfs/transfer/link.ts'

const { signal } = new AbortController()

function openLink(times: Partial<LinkTimes> = {}): {
  stream: FakeStream
  link: Link
  faults: string[]
} {
  const stream = new FakeStream()
  const faults: string[] = []
  const link = new Link(stream, {
    times,
    onPeers: () => undefined,
    onNews: () => undefined,
    onEnd: (fault) => void faults.push(fault),
  })
  return { stream, link, faults }
}

function blockFrame(bytes: Uint8Array): Uint8Array {
  return encodeFrame(FRAME.block, Uint8Array.of(PRESENT), bytes)
}

const absent = frameHeader(FRAME.block, 1, ABSENT)

/** Hashes that were asked for. */
function wanted(stream: FakeStream): string[] {
  return stream
    .frames(QUESTIONS)
    .filter(({ type }) => type === FRAME.want)
    .flatMap(({ body }) => Buffer.from(body).toString('hex').match(/.{64}/g) ?? [])
}

describe('asking a peer for blocks', () => {
  it('gives each asker its block, or says that it is not there', async () => {
    const { stream, link } = openLink()
    const [a, b] = [someBlock(), someBlock(0)]
    const answers = [a, someBlock(), b].map(({ hash }) => link.block(hash, { signal }))
    await turn()
    stream.receive(blockFrame(a.bytes), absent, blockFrame(b.bytes))
    assert.deepEqual(await Promise.all(answers), [a.bytes, undefined, b.bytes])
  })

  it('asks for a bounded number at once, and first for what a reader waits for', async () => {
    const { stream, link } = openLink()
    const blocks = Array.from({ length: 30 }, () => someBlock(10))
    for (const { hash } of blocks)
      link.block(hash, { signal, urgency: new Urgency(false) }).catch(() => undefined)
    const urgent = someBlock(10)
    link.block(urgent.hash, { signal }).catch(() => undefined)
    await turn()
    assert.equal(wanted(stream).length, 8)
    assert.equal(wanted(stream)[0], Buffer.from(urgent.hash).toString('hex'))
    stream.receive(blockFrame(urgent.bytes))
    await turn()
    assert.equal(wanted(stream).length, 9)
  })

  it('asks no more for what nobody waits for', async () => {
    const { stream, link } = openLink()
    const leave = new AbortController()
    for (let i = 0; i < 8; i++) link.block(someBlock(10).hash, { signal }).catch(() => undefined)
    const left = link.block(someBlock(10).hash, { signal: leave.signal })
    const before = link.load
    leave.abort(new Error('gone'))
    await assert.rejects(left, /gone/)
    assert.equal(link.load, before - 1)
    stream.receive(absent)
    await turn()
    assert.equal(wanted(stream).length, 8)
  })

  it('passes over the answer that nobody waits for any longer', async () => {
    const { stream, link } = openLink()
    const leave = new AbortController()
    const [a, b] = [someBlock(), someBlock()]
    const left = link.block(a.hash, { signal: leave.signal })
    const stayed = link.block(b.hash, { signal })
    await turn()
    leave.abort(new Error('gone'))
    await assert.rejects(left, /gone/)
    stream.receive(blockFrame(a.bytes), blockFrame(b.bytes))
    assert.deepEqual(await stayed, b.bytes)
  })

  it('learns which of some blocks the peer has', async () => {
    const { stream, link } = openLink()
    const answer = link.has([someBlock().hash, someBlock().hash, someBlock().hash], { signal })
    await turn()
    stream.receive(encodeFrame(FRAME.held, encodeBits([true, false, true])))
    assert.deepEqual(await answer, [true, false, true])
  })
})

describe('a peer that does not keep to the rules', () => {
  const lies: Array<[what: string, frame: (other: Uint8Array) => Uint8Array]> = [
    ['sends another block', () => blockFrame(someBlock().bytes)],
    [
      'sends a block with a byte more',
      (bytes) => blockFrame(Buffer.concat([bytes, Buffer.alloc(1)])),
    ],
    ['sends a block too long to be one', () => Uint8Array.of(0xff, 0, 0, 0, FRAME.block)],
    [
      'says that a block is not there, and sends it',
      (bytes) => encodeFrame(FRAME.block, Uint8Array.of(ABSENT), bytes),
    ],
    ['answers what was not asked', () => encodeFrame(FRAME.held, Uint8Array.of(1))],
    ['names peers to somebody who did not greet', () => encodeFrame(FRAME.peers, Buffer.alloc(33))],
    ['sends a frame that is none', () => Uint8Array.of(0, 0, 0, 1, 77)],
  ]
  for (const [what, frame] of lies) {
    it(`is a liar when it ${what}, and all questions are free at once`, async () => {
      const { stream, link, faults } = openLink()
      const block = someBlock()
      const answers = [block.hash, someBlock().hash].map((hash) => link.block(hash, { signal }))
      await turn()
      stream.receive(frame(block.bytes))
      for (const answer of answers) await assert.rejects(answer, LinkError)
      assert.deepEqual(faults, ['lie'])
      await assert.rejects(link.block(block.hash, { signal }), LinkError)
    })
  }

  it('is too slow when it says nothing', async () => {
    const { link, faults } = openLink({ idle: 20 })
    await assert.rejects(link.block(someBlock().hash, { signal }), /silent/)
    assert.deepEqual(faults, ['slow'])
  })

  it('is too slow when it sends a byte now and then', async () => {
    const { stream, link, faults } = openLink({ idle: 60, least: 1000 })
    const { bytes, hash } = someBlock(5000)
    const answer = assert.rejects(link.block(hash, { signal }), /silent/)
    const frame = blockFrame(bytes)
    let at = 0
    const trickle = setInterval(() => stream.receive(frame.subarray(at, ++at)), 5)
    await answer
    clearInterval(trickle)
    assert.deepEqual(faults, ['slow'])
  })

  it('is too slow when it sends enough to look busy, and never a whole block', async () => {
    const { stream, link, faults } = openLink({ idle: 20, least: 1, block: 100 })
    const { bytes, hash } = someBlock(1_000_000)
    const answer = assert.rejects(link.block(hash, { signal }), /too long/)
    const frame = blockFrame(bytes)
    let at = 0
    const trickle = setInterval(() => stream.receive(frame.subarray(at, (at += 100))), 5)
    await answer
    clearInterval(trickle)
    assert.deepEqual(faults, ['slow'])
  })

  it('is not blamed for going away in the middle of a block', async () => {
    const { stream, link, faults } = openLink()
    const { bytes, hash } = someBlock()
    const answers = [hash, someBlock().hash].map((asked) => link.block(asked, { signal }))
    await turn()
    stream.receive(blockFrame(bytes).subarray(0, 500))
    stream.abort(new Error('the line is cut'))
    for (const answer of answers) await assert.rejects(answer, LinkError)
    assert.deepEqual(faults, ['none'])
  })

  it('ends the link when it ends the stream', async () => {
    const { stream, link } = openLink()
    const answer = link.block(someBlock().hash, { signal })
    stream.receiveEnd()
    await assert.rejects(answer, LinkError)
    await until(() => !link.isOpen)
  })
})
