import assert from 'node:assert/strict'
import { Mirror } from '../../src/naming/mirror.ts'
import { Publisher } from '../../src/naming/publisher.ts'
import { RecordExchange } from '../../src/naming/record-exchange.ts'
import { connect, startNode } from '../ipfs/nodes.ts'
import {
  FakeClock,
  LIFETIME,
  MemoryMap,
  keychain,
  makeKey,
  nameOf,
  rootNumber,
  silent,
  temporary,
  until,
} from './support.ts'
import type { PrivateKey } from '@ipshipyard/crypto'
import type { TestNode } from '../ipfs/nodes.ts'

describe('a publisher that comes back on another port', () => {
  let key: PrivateKey
  let stack: AsyncDisposableStack
  let state: MemoryMap

  beforeEach(async () => {
    key = await makeKey()
    stack = new AsyncDisposableStack()
    state = new MemoryMap()
  })
  afterEach(() => stack.disposeAsync())

  async function start(directory?: string): Promise<{ node: TestNode; exchange: RecordExchange }> {
    const node = stack.use(await startNode(directory === undefined ? {} : { directory }))
    const network = node.records
    const exchange = new RecordExchange({ network, held: new MemoryMap(), keychain, log: silent })
    await exchange.start()
    stack.defer(() => exchange.stop())
    return { node, exchange }
  }

  async function publishAt({ node, exchange }: Awaited<ReturnType<typeof start>>, n: number) {
    const addresses = () => node.announcedAddresses()
    const isOurs = () => Promise.resolve(true)
    const publisher = new Publisher(
      { key, keychain, exchange, addresses, isOurs, isNewKey: true, state, log: silent },
      { lifetime: LIFETIME },
    )
    void publisher.start()
    stack.defer(() => publisher.stop())
    publisher.publish(await rootNumber(n))
    await until(() => !publisher.status().pending)
    return publisher
  }

  async function mirrorAt(
    { node, exchange }: Awaited<ReturnType<typeof start>>,
    clock?: FakeClock,
  ) {
    const mirror = new Mirror(nameOf(key).text, {
      exchange,
      keychain,
      clock,
      state: new MemoryMap(),
      log: silent,
      advance: () => Promise.resolve(),
      dial: (addresses, options) => node.dial(addresses, options),
    })
    await mirror.start()
    stack.defer(() => mirror.stop())
    return mirror
  }

  it('is found by its mirror through any peer that both know, and called at its new address', async () => {
    const { path, remove } = await temporary()
    stack.defer(remove)
    const [middle, reader] = [await start(), await start()]
    await connect(reader.node, middle.node)
    // They ask their peers every half minute, and hear of it sooner when pubsub has its mesh already.
    const clocks = [new FakeClock(), new FakeClock()]
    await mirrorAt(middle, clocks[0])
    const mirror = await mirrorAt(reader, clocks[1])
    const soon = (holds: () => boolean) =>
      until(async () => {
        for (const clock of clocks) await clock.pass(30_000)
        return holds()
      })

    const before = await start(path)
    await connect(before.node, middle.node)
    const first = await publishAt(before, 1)
    await soon(() => mirror.status().sequence === '1' && isConnected(reader.node, before.node))
    await first.stop()
    before.exchange.stop()
    await before.node.stop()
    await until(() => !isConnected(reader.node, before.node))

    const after = await start(path)
    assert.equal(after.node.peerId, before.node.peerId)
    assert.notDeepEqual(after.node.addresses(), before.node.addresses())
    await connect(after.node, middle.node)
    // The root is the same; the record is signed anew, because the addresses in it are not.
    await publishAt(after, 1)
    await soon(() => mirror.status().sequence === '2' && isConnected(reader.node, after.node))
    assert.equal(mirror.status().error, undefined)
  })

  it('is lost to a mirror that knows nobody else, and found when it calls the mirror', async () => {
    const { path, remove } = await temporary()
    stack.defer(remove)
    const clock = new FakeClock()
    const reader = await start()
    const mirror = await mirrorAt(reader, clock)
    const before = await start(path)
    await connect(reader.node, before.node)
    const first = await publishAt(before, 1)
    await until(() => mirror.status().sequence === '1')
    await first.stop()
    before.exchange.stop()
    await before.node.stop()

    const after = await start(path)
    await publishAt(after, 2)
    await clock.pass(60_000)
    assert.deepEqual([mirror.status().sequence, reader.node.peers()], ['1', []])
    await connect(after.node, reader.node)
    await until(() => mirror.status().sequence !== '1')
    assert.equal(mirror.root()?.toString(), (await rootNumber(2)).toString())
  })
})

function isConnected(from: TestNode, to: TestNode): boolean {
  return from.peers().some(({ id }) => id === to.peerId)
}
