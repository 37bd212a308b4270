import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { RAW, cidFromHash } from '../../../src/blocks/cids.ts'
import { Urgency } from '../../../src/blocks/flights.ts'
import { keyOf } from '../../../src/ipfs/block-kinds.ts'
import { TransferClient } from '../../../src/ipfs/transfer/client.ts'
import { encodeBits, encodeFrame } from '../../../src/ipfs/transfer/frames.ts'
import { leaderOf } from '../../../src/ipfs/transfer/leader.ts'
import { Peers } from '../../../src/ipfs/transfer/peers.ts'
import { FRAME, PRESENT, QUESTIONS } from '../../../src/ipfs/transfer/protocol.ts'
import { Swarm } from '../../../src/ipfs/transfer/swarm.ts'
import { FakeStream, someBlock, turn, until } from './fake-stream.ts'
import type { CID } from 'multiformats/cid'
import type { Fellows } from '../../../src/ipfs/transfer/fellows.ts'
import type { PeerNetwork } from '../../../src/ipfs/transfer/peers.ts'

interface Block {
  readonly cid: CID
  readonly bytes: Uint8Array
  readonly hash: Uint8Array
}

function leaf(): Block {
  const block = someBlock()
  return { ...block, cid: cidFromHash(RAW, block.hash) }
}

/** One that is not for us to fetch when nobody has it. */
function leafForTheFellow(): Block {
  for (;;) {
    const block = leaf()
    if (leaderOf(keyOf(block.cid), 'us', ['liar']) === 'liar') return block
  }
}

/** Connected peers, whose streams the test answers. */
class World {
  readonly streams = new Map<string, FakeStream[]>()
  readonly peers: Peers
  readonly client: TransferClient

  constructor(...names: readonly string[]) {
    const connections = names.map((name) => ({
      status: 'open',
      remotePeer: name,
      newStream: () => {
        const stream = new FakeStream()
        this.streams.set(name, [...(this.streams.get(name) ?? []), stream])
        return Promise.resolve(stream)
      },
    }))
    this.peers = new Peers(
      {
        getConnections: () => connections,
        getPeers: () => names,
        register: () => Promise.resolve('id'),
        unregister: () => undefined,
        addEventListener: () => undefined,
        removeEventListener: () => undefined,
      } as unknown as PeerNetwork,
      { onNamed: () => undefined, onNews: () => undefined, onChange: () => undefined },
    )
    this.client = new TransferClient(this.peers)
  }

  /** How many blocks a peer was asked for. */
  asked(peer: string): number {
    return this.questions(peer, FRAME.want).length
  }

  questions(peer: string, kind: number): { stream: FakeStream; body: Uint8Array }[] {
    return (this.streams.get(peer) ?? []).flatMap((stream) =>
      stream
        .frames(QUESTIONS)
        .filter(({ type }) => type === kind)
        .map(({ body }) => ({ stream, body })),
    )
  }

  give(peer: string, { bytes }: Block): void {
    const { stream } = this.questions(peer, FRAME.want).at(-1) ?? assert.fail('not asked')
    stream.receive(encodeFrame(FRAME.block, Uint8Array.of(PRESENT), bytes))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.peers.stop()
    await turn()
  }
}

const signal = AbortSignal.timeout(20_000)

describe('a peer that keeps somebody waiting', () => {
  it('is left to itself: the next is asked beside it, and the first block that comes is taken', async () => {
    await using world = new World('slow', 'quick')
    await world.peers.start()
    const block = leaf()
    const request = { signal, providers: ['slow', 'quick'], root: undefined, patience: 10 }
    const fetched = world.client.fetch(block.cid, { ...request, urgency: new Urgency(true) })
    await until(() => world.asked('slow') + world.asked('quick') === 2)
    world.give('quick', block)
    assert.deepEqual(await fetched, block.bytes)
    // It is not first the next time.
    void world.client.fetch(leaf().cid, { ...request, urgency: new Urgency(true) })
    await until(() => world.asked('quick') === 2)
    assert.equal(world.asked('slow'), 1)
  })

  it('may still be the first', async () => {
    await using world = new World('slow', 'other')
    await world.peers.start()
    const block = leaf()
    const request = { signal, providers: ['slow'], root: undefined, patience: 5 }
    const urgency = new Urgency(true)
    const fetched = world.client.fetch(block.cid, { ...request, urgency })
    await until(() => world.asked('slow') === 1)
    await pause(20)
    world.give('slow', block)
    assert.deepEqual(await fetched, block.bytes)
  })

  it('has time while nobody waits, which ends when somebody comes', async () => {
    await using world = new World('slow', 'quick')
    await world.peers.start()
    const block = leaf()
    const request = { signal, providers: ['slow', 'quick'], root: undefined, patience: 10 }
    const urgency = new Urgency()
    const fetched = world.client.fetch(block.cid, { ...request, urgency })
    await until(() => world.asked('slow') + world.asked('quick') === 1)
    await pause(50)
    assert.equal(world.asked('slow') + world.asked('quick'), 1)
    urgency.raise()
    await until(() => world.asked('slow') + world.asked('quick') === 2)
    world.give(world.asked('quick') === 1 ? 'quick' : 'slow', block)
    assert.deepEqual(await fetched, block.bytes)
  })
})

describe('a fellow that says it has all, and gives nothing', () => {
  it('holds up a reader once, for a bounded time, also where its block was fetched ahead', async function () {
    this.timeout(20_000) // a fellow has three seconds
    await using world = new World('liar', 'source')
    await world.peers.start()
    const fellows = { of: () => ['liar'].filter((peer) => world.peers.canBeAsked(peer)) }
    const { peers, client } = world
    const swarm = new Swarm({ self: 'us', peers, client, fellows: fellows as unknown as Fellows })
    const blocks = Array.from({ length: 4 }, leafForTheFellow)
    const root = leaf().cid
    const request = { signal, providers: ['source'], root }
    const read = new AbortController()
    const urgencies = new Map(blocks.map(({ cid }) => [keyOf(cid), new Urgency()]))
    const taken = new Map<string, Promise<Uint8Array | undefined>>()
    const ahead = swarm.ahead(
      root,
      blocks.map(({ cid }) => cid),
      {
        isHere: () => Promise.resolve(false),
        take: async (cid) => {
          const urgency = urgencies.get(keyOf(cid)) ?? assert.fail()
          const block = swarm.fetch(cid, { ...request, urgency })
          taken.set(keyOf(cid), block)
          await block
        },
      },
      read.signal,
    )
    await until(() => world.questions('liar', FRAME.has).length > 0)
    const [question] = world.questions('liar', FRAME.has)
    question?.stream.receive(encodeFrame(FRAME.held, encodeBits(blocks.map(() => true))))
    await until(() => world.asked('liar') === blocks.length)
    // The reader comes to the first of them.
    const [first] = blocks
    assert.ok(first)
    urgencies.get(keyOf(first.cid))?.raise()
    // All that the liar owes is asked of the source, and not only what the reader waits for.
    await until(() => world.asked('source') === blocks.length)
    assert.equal(peers.canBeAsked('liar'), false)
    world.streams.get('source')?.[0]?.receive(...blocksInOrder(world, blocks))
    assert.deepEqual(await taken.get(keyOf(first.cid)), first.bytes)
    read.abort(new Error('read'))
    await ahead
  })
})

/** The answers that a source owes, in the order in which it was asked. */
function blocksInOrder(world: World, blocks: readonly Block[]): Uint8Array[] {
  return world.questions('source', FRAME.want).map(({ body }) => {
    const wanted = blocks.find(({ hash }) => Buffer.from(hash).equals(body))
    return encodeFrame(FRAME.block, Uint8Array.of(PRESENT), wanted?.bytes ?? assert.fail())
  })
}
