import assert from 'node:assert/strict'
import { pubSubIPNSRouting } from '@helia/ipns'
import { fetch } from '@libp2p/fetch'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { LevelDatastore } from 'datastore-level'
import { createLibp2p } from 'libp2p'
import { componentLogger, silent as quiet } from '../../src/ipfs/logger.ts'
import { Mirror } from '../../src/naming/mirror.ts'
import { Publisher } from '../../src/naming/publisher.ts'
import { RecordExchange } from '../../src/naming/record-exchange.ts'
import { readRecord } from '../../src/naming/record.ts'
import { valueOf } from '../../src/naming/root-value.ts'
import { connect, startNode } from '../ipfs/nodes.ts'
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
  temporary,
  until,
} from './support.ts'
import type { PrivateKey } from '@ipshipyard/crypto'
import type { TestNode } from '../ipfs/nodes.ts'

/** A node on loopback with its exchange of records. */
interface Peer {
  readonly node: TestNode
  readonly exchange: RecordExchange
  close(): Promise<void>
}

describe('names between real nodes on loopback', () => {
  let key: PrivateKey
  let open: Peer[]

  beforeEach(async () => {
    key = await makeKey()
    open = []
  })
  afterEach(async () => {
    for (const peer of open) await peer.close()
  })

  async function start(): Promise<Peer> {
    const node = await startNode()
    const exchange = new RecordExchange({
      network: node.records,
      held: new MemoryMap(),
      keychain,
      log: silent,
    })
    await exchange.start()
    const closers: Array<() => Promise<void>> = []
    let closed: Promise<void> | undefined
    const close = async () => {
      for (const closer of closers) await closer()
      exchange.stop()
      await node.stop()
    }
    const peer = { node, exchange, closers, close: () => (closed ??= close()) }
    open.push(peer)
    return peer
  }

  function publisherAt(peer: Peer): Publisher {
    const publisher = new Publisher(
      {
        key,
        keychain,
        exchange: peer.exchange,
        state: new MemoryMap(),
        log: silent,
        addresses: () => peer.node.announcedAddresses(),
        isOurs: () => Promise.resolve(false),
        isNewKey: true,
      },
      { lifetime: LIFETIME },
    )
    void publisher.start()
    open.unshift({ ...peer, close: () => publisher.stop() })
    return publisher
  }

  async function mirrorAt(
    peer: Peer,
    advance = () => Promise.resolve(),
    clock?: FakeClock,
  ): Promise<Mirror> {
    const mirror = new Mirror(nameOf(key).text, {
      exchange: peer.exchange,
      keychain,
      state: new MemoryMap(),
      log: silent,
      clock,
      advance,
      dial: (addresses, options) => peer.node.dial(addresses, options),
    })
    await mirror.start()
    open.unshift({ ...peer, close: () => mirror.stop() })
    return mirror
  }

  async function serves(mirror: Mirror, n: number): Promise<void> {
    const root = (await rootNumber(n)).toString()
    await until(() => mirror.status().root === root)
  }

  it('a mirror hears of each new root by pubsub', async () => {
    const [owner, reader] = [await start(), await start()]
    await connect(reader.node, owner.node)
    const publisher = publisherAt(owner)
    const mirror = await mirrorAt(reader)
    for (const n of [1, 2, 3]) {
      publisher.publish(await rootNumber(n))
      await serves(mirror, n)
    }
    assert.equal(mirror.status().state, 'current')
  })

  it('a mirror asks whoever connects, also a stock publisher that does not listen to its own name', async () => {
    const [owner, reader] = [await start(), await start()]
    const { bytes } = await makeRecord(key, { value: valueOf(await rootNumber(1)) })
    owner.exchange.stop()
    owner.node.records.serve('/ipns/', () => Promise.resolve(bytes))
    // Its clock stands still: no poll comes to its help.
    const mirror = await mirrorAt(reader, () => Promise.resolve(), new FakeClock())
    await connect(owner.node, reader.node)
    await serves(mirror, 1)
  })

  it('what was published with nobody there is seen by who joins later', async () => {
    const [owner, reader] = [await start(), await start()]
    const publisher = publisherAt(owner)
    publisher.publish(await rootNumber(1))
    await until(() => !publisher.status().pending)
    const mirror = await mirrorAt(reader)
    await connect(reader.node, owner.node)
    await serves(mirror, 1)
  })

  it('a mirror passes the record on to a third when the owner is gone', async () => {
    const [owner, reader, third] = [await start(), await start(), await start()]
    await connect(reader.node, owner.node)
    const publisher = publisherAt(owner)
    const first = await mirrorAt(reader)
    publisher.publish(await rootNumber(1))
    await serves(first, 1)
    await publisher.stop()
    await owner.close()
    const second = await mirrorAt(third)
    await connect(third.node, reader.node)
    await serves(second, 1)
  })

  it('a mirror finds the owner by the addresses in its record, and tries again then', async () => {
    const [owner, middle, reader] = [await start(), await start(), await start()]
    await connect(middle.node, owner.node)
    const publisher = publisherAt(owner)
    const passing = await mirrorAt(middle)
    publisher.publish(await rootNumber(1))
    await serves(passing, 1)
    const isConnected = () => reader.node.peers().some(({ id }) => id === owner.node.peerId)
    const mirror = await mirrorAt(reader, () =>
      isConnected() ? Promise.resolve() : Promise.reject(new Error('the owner is not connected')),
    )
    await connect(reader.node, middle.node)
    await serves(mirror, 1)
  })

  it('a source that dies between announcing and serving leaves the old root in place', async () => {
    const [owner, messenger, reader] = [await start(), await start(), await start()]
    await connect(reader.node, owner.node)
    await connect(reader.node, messenger.node)
    const publisher = publisherAt(owner)
    const ownerIsThere = () => reader.node.peers().some(({ id }) => id === owner.node.peerId)
    const mirror = await mirrorAt(reader, () =>
      ownerIsThere() ? Promise.resolve() : Promise.reject(new Error('no peer has it')),
    )
    publisher.publish(await rootNumber(1))
    await serves(mirror, 1)
    await publisher.stop()
    await owner.close()
    await until(() => !ownerIsThere())
    const record = await makeRecord(key, { sequence: 9n, value: valueOf(await rootNumber(9)) })
    await until(() => messenger.node.records.subscribers(nameOf(key).topic).length === 1)
    await messenger.exchange.tell(nameOf(key), record)
    await until(() => mirror.status().error !== undefined)
    const { error, root, state } = mirror.status()
    assert.match(error ?? '', /no peer has it/)
    assert.deepEqual([state, root], ['advancing', (await rootNumber(1)).toString()])
  })

  it('does not pass junk on between others', async () => {
    const [liar, middle, reader] = [await start(), await start(), await start()]
    await connect(middle.node, liar.node)
    await connect(reader.node, middle.node)
    const { topic } = nameOf(key)
    const heard: string[] = []
    for (const { node } of [middle, reader]) {
      node.records.subscribe(topic, {
        validate: (data) =>
          readRecord(nameOf(key), data, keychain).then(
            () => 'accept' as const,
            () => 'reject' as const,
          ),
        onMessage: (data) => heard.push(Buffer.from(data).toString()),
        onJoin: () => undefined,
      })
    }
    await until(
      () =>
        liar.node.records.subscribers(topic).length === 1 &&
        middle.node.records.subscribers(topic).length === 1,
    )
    await liar.node.records.publish(topic, Buffer.from('junk'))
    const good = await makeRecord(key, {})
    await liar.node.records.publish(topic, good.bytes)
    await until(() => heard.length >= 2)
    assert.deepEqual(new Set(heard), new Set([Buffer.from(good.bytes).toString()]))
  })

  it('speaks with the stock router of @helia/ipns in both directions', async () => {
    const owner = await start()
    const publisher = publisherAt(owner)
    publisher.publish(await rootNumber(1))
    await until(() => !publisher.status().pending)

    const { path, remove } = await temporary()
    const datastore = new LevelDatastore(path)
    await datastore.open()
    const stock = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: {
        identify: identify(),
        fetch: fetch(),
        pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }),
      },
    })
    const router = pubSubIPNSRouting({
      libp2p: stock,
      datastore,
      keychain,
      logger: componentLogger(quiet),
    })
    const { routingKey } = nameOf(key)
    await router.get(routingKey).catch(() => undefined) // its first answer is always "not found": it subscribes
    await stock.dial(owner.node.addresses().map((address) => multiaddr(address)))
    const isTheirs = async (n: number) => {
      const bytes = await router.get(routingKey).catch(() => undefined)
      return (
        bytes !== undefined &&
        (await readRecord(nameOf(key), bytes, keychain)).value === valueOf(await rootNumber(n))
      )
    }
    await until(() => isTheirs(1))

    const mirror = await mirrorAt(owner)
    await serves(mirror, 1)
    await until(() => owner.node.records.subscribers(nameOf(key).topic).length === 1)
    const theirs = await makeRecord(key, { sequence: 20n, value: valueOf(await rootNumber(20)) })
    await router.put(routingKey, theirs.bytes)
    await serves(mirror, 20)

    await stock.stop()
    await datastore.close()
    await remove()
  })
})
