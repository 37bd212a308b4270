import assert from 'node:assert/strict'
import { CID } from 'multiformats/cid'
import { MissingBlockError } from '../../src/blocks/block-store.ts'
import { Mirror } from '../../src/naming/mirror.ts'
import { Publisher } from '../../src/naming/publisher.ts'
import { RecordExchange } from '../../src/naming/record-exchange.ts'
import { valueOf } from '../../src/naming/root-value.ts'
import { startInternet } from '../ipfs/internet.ts'
import { randomBlock, startNode } from '../ipfs/nodes.ts'
import { watchNetwork } from '../ipfs/watch.ts'
import {
  FakeClock,
  LIFETIME,
  MemoryMap,
  keychain,
  makeKey,
  makeRecord,
  nameOf,
  rootNumber,
  silent,
  until,
} from './support.ts'
import type { PrivateKey } from '@ipshipyard/crypto'
import type { Advance } from '../../src/naming/advancer.ts'
import type { OwnInternet } from '../ipfs/internet.ts'
import type { TestNode } from '../ipfs/nodes.ts'
import type { Watch } from '../ipfs/watch.ts'

interface Peer {
  readonly node: TestNode
  readonly exchange: RecordExchange
}

/**
 * Public nodes whose internet is three DHT servers on loopback. The servers have neither pubsub nor lookups nor
 * bitswap, so what comes through came by the DHT.
 */
describe('public nodes that share only a DHT', function () {
  // The DHT has pauses of its own; and on a busy machine a put may fail, which is tried again after 10, 20 and 40 s.
  this.timeout(180_000)
  let key: PrivateKey
  let internet: OwnInternet
  let stack: AsyncDisposableStack
  let watch: Watch

  beforeEach(async () => {
    key = await makeKey()
    stack = new AsyncDisposableStack()
    watch = stack.use(watchNetwork())
    internet = stack.use(await startInternet())
  })
  afterEach(async () => {
    await stack.disposeAsync()
    assert.deepEqual([[...new Set(watch.called)], watch.other], [['127.0.0.1'], []])
  })

  async function start(): Promise<Peer> {
    const config = { mode: 'public', listen: ['/ip4/127.0.0.1/tcp/0'] } as const
    const node = await startNode({ internet, config, fetchTimes: { pause: 20 }, redialPause: 50 })
    stack.defer(() => node.stop())
    const network = node.records
    const exchange = new RecordExchange({ network, held: new MemoryMap(), keychain, log: silent })
    await exchange.start()
    stack.defer(() => exchange.stop())
    await until(() => internet.ids.every((id) => isConnected(node, id)))
    return { node, exchange }
  }

  function publisherAt(
    { exchange }: Peer,
    addresses: () => string[] = () => [],
    isNewKey = true,
  ): Publisher {
    const isOurs = () => Promise.resolve(false)
    const publisher = new Publisher(
      { isNewKey, key, keychain, exchange, addresses, isOurs, state: new MemoryMap(), log: silent },
      { lifetime: LIFETIME },
    )
    void publisher.start()
    stack.defer(() => publisher.stop())
    return publisher
  }

  async function mirrorAt(
    { node, exchange }: Peer,
    advance: Advance,
  ): Promise<{ mirror: Mirror; follows(root: CID): Promise<void>; pass(): Promise<void> }> {
    const clock = new FakeClock()
    let fetching = 0
    const mirror = new Mirror(nameOf(key).text, {
      exchange,
      keychain,
      clock,
      advance: async (...what) => {
        fetching++
        await advance(...what).finally(() => fetching--)
      },
      state: new MemoryMap(),
      log: silent,
      dial: (addresses, options) => node.dial(addresses, options),
    })
    await mirror.start()
    stack.defer(() => mirror.stop())
    // It asks the DHT once a minute. While it fetches, its time stands still, or it would give up.
    const pass = async () => {
      if (fetching === 0) await clock.pass(60_000)
    }
    const follows = (root: CID) =>
      until(async () => {
        await pass()
        return mirror.root()?.equals(root) === true
      })
    return { mirror, follows, pass }
  }

  /** A root that this node has the block of. */
  async function rootAt({ node }: Peer): Promise<{ root: CID; bytes: Uint8Array }> {
    const { cid, bytes } = await randomBlock()
    const root = CID.createV1(0x70, cid.multihash)
    await node.blocks.put(root, bytes)
    return { root, bytes }
  }

  it('carry a record, and the next one, to a mirror that never meets its owner', async () => {
    const [owner, reader] = [await start(), await start()]
    const publisher = publisherAt(owner)
    const first = await rootNumber(1)
    publisher.publish(first)
    const { mirror, follows } = await mirrorAt(reader, () => Promise.resolve())
    await follows(first)
    const second = await rootNumber(2)
    publisher.publish(second)
    await follows(second)
    assert.equal(mirror.status().sequence, '2')
    assert.deepEqual(
      [isConnected(reader.node, owner.node.peerId), isConnected(owner.node, reader.node.peerId)],
      [false, false],
    )
    await until(() => publisher.status().error === undefined)
  })

  it('find who provides a root, and get its blocks from there', async () => {
    const [owner, reader] = [await start(), await start()]
    const { root, bytes } = await rootAt(owner)
    await assert.rejects(reader.node.fetchBlock(root), MissingBlockError)
    await owner.node.provide(root)
    publisherAt(owner).publish(root)
    let fetched: Uint8Array | undefined
    const hints: Array<readonly string[]> = []
    const { follows } = await mirrorAt(reader, async (to, _from, { signal, providers }) => {
      hints.push(providers)
      const found = await reader.node.findProviders(to, { signal })
      fetched = await reader.node.fetchBlock(to, { signal, providers: found })
    })
    await follows(root)
    assert.deepEqual(Buffer.from(fetched ?? []), bytes)
    assert.deepEqual(hints[0], [], 'the record itself named nobody')
  })

  it('find the owner by the addresses in its record, without provider records', async () => {
    const [owner, reader] = [await start(), await start()]
    const { root, bytes } = await rootAt(owner)
    publisherAt(owner, () => owner.node.announcedAddresses()).publish(root)
    let fetched: Uint8Array | undefined
    const { follows } = await mirrorAt(reader, async (to, _from, { signal, providers }) => {
      await until(() => signal.aborted || isConnected(reader.node, owner.node.peerId))
      fetched = await reader.node.fetchBlock(to, { signal, providers })
    })
    await follows(root)
    assert.deepEqual(Buffer.from(fetched ?? []), bytes)
    assert.deepEqual(await reader.node.findProviders(root), [])
  })

  it('continue above what the DHT holds with a key that was restored', async () => {
    const owner = await start()
    const lost = publisherAt(owner)
    for (const n of [1, 2, 3]) {
      lost.publish(await rootNumber(n))
      await until(() => !lost.status().pending)
    }
    const witness = await start()
    await until(async () => (await inDht(witness))?.sequence === 3n)
    await lost.stop()
    await owner.node.stop()
    const restored = publisherAt(await start(), () => [], false)
    restored.publish(await rootNumber(4))
    await until(() => restored.status().sequence === '4')
  })

  it('find by the DHT what only a mirror knows, when the owner is gone that never brought it there', async () => {
    const [owner, reader] = [await start(), await start()]
    const root = await rootNumber(1)
    const { follows, pass } = await mirrorAt(reader, () => Promise.resolve())
    assert.ok(await owner.node.dial(reader.node.addresses()))
    await until(() => owner.node.records.subscribers(nameOf(key).topic).length === 1)
    await owner.exchange.tell(nameOf(key), await makeRecord(key, { value: valueOf(root) }))
    await follows(root)
    await owner.node.stop()
    const late = await start()
    const second = await mirrorAt(late, () => Promise.resolve())
    await until(async () => {
      await pass()
      return (await inDht(late)) !== undefined
    })
    await second.follows(root)
    assert.equal(isConnected(late.node, reader.node.peerId), false)
  })

  async function inDht({ exchange }: Peer) {
    return exchange.askDht(nameOf(key)).catch(() => undefined) // it has not found its way in yet
  }

  it('say that nobody provides what nobody provides', async () => {
    const reader = await start()
    assert.deepEqual(await reader.node.findProviders(await rootNumber(1)), [])
  })
})

function isConnected(node: TestNode, id: string): boolean {
  return node.peers().some((peer) => peer.id === id)
}
