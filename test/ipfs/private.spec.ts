import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { silent } from '../../src/ipfs/logger.ts'
import { ListedPeers } from '../../src/ipfs/listed-peers.ts'
import { parsePeer } from '../../src/ipfs/peer-address.ts'
import { SwarmGuard } from '../../src/ipfs/swarm-guard.ts'
import { formatSwarmKey } from '../../src/ipfs/swarm-key.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { randomBlock, startNode } from './nodes.ts'
import { watchNetwork } from './watch.ts'
import type { MultiaddrConnection } from '@libp2p/interface'
import type { TestNode, TestNodeOptions } from './nodes.ts'

const PEER = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'
const OTHER = '12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq'

describe('the scope of a private network', () => {
  const listed = new ListedPeers([
    parsePeer(`/ip4/192.0.2.1/tcp/4001/p2p/${PEER}`),
    parsePeer(`/dns4/localhost/tcp/4001/p2p/${PEER}`),
  ])
  const inside = (address: string) => listed.scope(multiaddr(address))

  it('is the addresses of the listed peers and nothing else', () => {
    assert.ok(inside(`/ip4/192.0.2.1/tcp/4001/p2p/${PEER}`))
    for (const address of [
      `/ip4/192.0.2.1/tcp/4001/p2p/${OTHER}`,
      `/ip4/192.0.2.1/tcp/4002/p2p/${PEER}`,
      `/ip4/192.0.2.2/tcp/4001/p2p/${PEER}`,
      '/ip4/192.0.2.1/tcp/4001',
      `/ip4/192.0.2.1/tcp/4001/p2p/${OTHER}/p2p-circuit/p2p/${PEER}`,
      `/ip4/127.0.0.1/tcp/4001/p2p/${OTHER}`,
    ])
      assert.ok(!inside(address), address)
  })

  it('has what the name of a listed peer stands for, once it was looked up for that peer', async () => {
    const address = `/ip4/127.0.0.1/tcp/4001/p2p/${PEER}`
    assert.ok(!inside(address))
    const found = await listed.resolve(parsePeer(`/dns4/localhost/tcp/4001/p2p/${PEER}`))
    assert.deepEqual(found.map(String), [address])
    assert.ok(inside(address))
    assert.ok(!inside(`/ip4/127.0.0.1/tcp/4001/p2p/${OTHER}`))
  })
})

describe('the guard of a private network', () => {
  class Connection extends EventTarget {
    readonly remoteAddr = multiaddr('/ip4/192.0.2.1/tcp/1')
    readonly direction = 'inbound'
  }
  const end = (connection: Connection) => connection.dispatchEvent(new Event('close'))

  function setUp() {
    const told: object[] = []
    const clock = { now: 1_000_000 }
    const log = { ...silent, warn: (details: object) => void told.push(details) }
    const guard = new SwarmGuard(randomBytes(32), log, () => clock.now)
    const come = (): Connection => {
      const connection = new Connection()
      guard.watch(connection as unknown as MultiaddrConnection)
      return connection
    }
    return { told, clock, guard, come }
  }

  it('tells of refused connections at most once a minute, and how many there were', () => {
    const { told, clock, come } = setUp()
    const address = '/ip4/192.0.2.1/tcp/1'
    for (let i = 0; i < 100; i++) end(come())
    clock.now += 59_999
    end(come())
    assert.deepEqual(told, [{ address, direction: 'inbound', refused: 1 }])
    clock.now += 1
    end(come())
    assert.deepEqual(told[1], { address, direction: 'inbound', refused: 101 })
    assert.equal(told.length, 2)
  })

  it('says nothing of members that go, nor of what ends because the node stops', async () => {
    const { told, guard, come } = setUp()
    const [member, waiting] = [come(), come()]
    guard.admit(member as unknown as MultiaddrConnection)
    end(member)
    await guard.stop()
    end(waiting)
    assert.deepEqual(told, [])
  })
})

describe('a private node', () => {
  async function member(swarmKey: string, options: TestNodeOptions = {}): Promise<TestNode> {
    const listen = ['/ip4/127.0.0.1/tcp/0']
    return startNode({
      redialPause: 20,
      ...options,
      config: { mode: 'private', swarmKey, listen, ...options.config },
    })
  }

  async function writeKey(directory: string): Promise<string> {
    const file = join(directory, 'swarm.key')
    await writeFile(file, formatSwarmKey(randomBytes(32)), { mode: 0o600 })
    return file
  }

  it('gets blocks of several MiB from a member, though both encrypt everything twice', async function () {
    this.timeout(60_000)
    await using directory = await temporaryDirectory()
    const key = await writeKey(directory.path)
    await using source = await member(key)
    await using reader = await member(key, { config: { peers: source.addresses() } })
    const blocks = await Promise.all(Array.from({ length: 8 }, () => randomBlock(1 << 20)))
    for (const { cid, bytes } of blocks) await source.blocks.put(cid, bytes)
    while (reader.peers().length === 0) await soon()
    const got = await Promise.all(blocks.map(({ cid }) => reader.fetchBlock(cid)))
    for (const [i, { bytes }] of blocks.entries())
      assert.ok(Buffer.from(bytes).equals(got[i] ?? assert.fail()))
  })

  it('calls nobody but the listed peers, whoever names an address, and tells nobody its own', async () => {
    await using directory = await temporaryDirectory()
    const key = await writeKey(directory.path)
    await using listed = await member(key)
    await using unlisted = await member(key)
    const peers = listed.addresses()
    using watch = watchNetwork()
    await using node = await member(key, { config: { peers } })
    while (node.peers().length === 0) await soon()
    assert.equal(await node.dial(unlisted.addresses()), false)
    assert.equal(await node.dial(listed.addresses()), true)
    assert.deepEqual(node.announcedAddresses(), [])
    assert.deepEqual([watch.called, watch.other], [['127.0.0.1'], []])
    assert.equal(await unlisted.dial(node.addresses()), false)
    // Who has the key may come in, though.
    await using guest = await member(key, { config: { peers: node.addresses() } })
    while (node.peers().length < 2) await soon()
    assert.deepEqual(
      node
        .peers()
        .map(({ id }) => id)
        .toSorted(),
      [listed.peerId, guest.peerId].toSorted(),
    )
  })
})

function soon(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 10))
}
