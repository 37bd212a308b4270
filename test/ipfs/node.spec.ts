import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { libp2pOptions } from '../../src/ipfs/libp2p-options.ts'
import { openKeysAt } from '../../src/ipfs/keys.ts'
import { loadSecret } from '../../src/ipfs/password.ts'
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { scopesOf } from '../../src/ipfs/scope.ts'
import { offline, startNode } from './nodes.ts'
import type { AddressInfo } from 'node:net'
import type { NetworkConfig } from '../../src/ipfs/config.ts'

const PEER = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'

describe('the node', () => {
  it('keeps its identity over restarts', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'heliport-node-'))
    const first = await startNode({ directory })
    await first.stop()
    const second = await startNode({ directory })
    await second.stop()
    assert.equal(second.peerId, first.peerId)
    await rm(directory, { recursive: true })
  })

  it('says in one line which address it cannot listen on, and leaves nothing open', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const address = `/ip4/127.0.0.1/tcp/${port}`
    await assert.rejects(startNode({ config: { listen: [address] } }), {
      name: 'StartError',
      message: `network.listen: cannot listen on ${address}: the port is taken by another program (EADDRINUSE)`,
    })
    server.close()
    await once(server, 'close')
  })

  const contradictions: Array<[string, Partial<NetworkConfig>, RegExp]> = [
    [
      'offline that listens to the network',
      { listen: ['/ip4/0.0.0.0/tcp/0'] },
      /network\.listen: \/ip4\/0\.0\.0\.0.*offline/,
    ],
    [
      'offline with a name to listen on',
      { listen: ['/dns4/localhost/tcp/0'] },
      /network\.listen.*offline/,
    ],
    [
      'offline with a peer elsewhere',
      { peers: [`/ip4/10.0.0.1/tcp/4001/p2p/${PEER}`] },
      /network\.peers.*offline/,
    ],
    [
      'offline with a named peer',
      { peers: [`/dns4/example.org/tcp/4001/p2p/${PEER}`] },
      /network\.peers.*offline/,
    ],
    ['a peer without a peer id', { peers: ['/ip4/127.0.0.1/tcp/4001'] }, /must end in \/p2p/],
    ['a peer that is no address', { peers: ['example.org'] }, /is not a multiaddr/],
    ['junk to listen on', { listen: [':4001'] }, /network\.listen: :4001 is not a multiaddr/],
    ['private without a key', { mode: 'private' }, /network\.swarmKey: .*needs the file/],
  ]
  for (const [what, config, message] of contradictions) {
    it(`does not start with ${what}`, async () => {
      await assert.rejects(startNode({ config }), (error) => {
        assert.ok(error instanceof Error)
        assert.equal(error.name, 'StartError')
        assert.match(error.message, message)
        assert.ok(!error.message.includes('\n'))
        return true
      })
    })
  }

  it('stops twice without harm', async () => {
    const node = await startNode()
    await Promise.all([node.stop(), node.stop()])
  })

  it('connects to its configured peers at once, and again when they come back', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'heliport-node-'))
    const server = await startNode({ directory })
    const [address] = server.addresses()
    assert.ok(address)
    const client = await startNode({ config: { peers: [address] }, redialPause: 20 })
    await until(() => client.peers().length === 1)
    await server.stop()
    await until(() => client.peers().length === 0)
    const again = await startNode({
      directory,
      config: { listen: [address.replace(/\/p2p\/.*/, '')] },
    })
    await until(() => client.peers().some(({ id }) => id === server.peerId))
    await client.stop()
    await again.stop()
    await rm(directory, { recursive: true })
  })

  it('dials only what is in its scope', async () => {
    const node = await startNode()
    const outside = [
      `/ip4/10.255.255.1/tcp/4001/p2p/${PEER}`,
      `/dns4/localhost/tcp/4001/p2p/${PEER}`,
      'junk',
      '/ip4/127.0.0.1/tcp/1',
    ]
    assert.equal(await node.dial(outside), false)
    assert.equal(await node.dial(node.addresses()), false) // itself
    await node.stop()
  })
})

describe('the libp2p of', () => {
  const expected: Array<
    [
      NetworkConfig['mode'],
      { services: string[]; discovery: number; dials: string[]; refuses: string[] },
    ]
  > = [
    [
      'offline',
      {
        services: [],
        discovery: 0,
        dials: ['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1'],
        refuses: ['/ip4/192.168.1.1/tcp/1', '/ip4/8.8.8.8/tcp/1', '/dns4/localhost/tcp/1'],
      },
    ],
    [
      'lan',
      {
        services: [],
        discovery: 1,
        dials: ['/ip4/127.0.0.1/tcp/1', '/ip4/192.168.1.1/tcp/1', '/ip6/fe80::1/tcp/1'],
        refuses: [
          '/ip4/8.8.8.8/tcp/1',
          '/dns4/example.org/tcp/1',
          `/ip4/192.168.1.1/tcp/1/p2p/${PEER}/p2p-circuit`,
        ],
      },
    ],
    [
      'public',
      {
        services: ['autoNAT', 'dcutr', 'dht'],
        discovery: 0,
        dials: ['/ip4/8.8.8.8/tcp/1'],
        refuses: [],
      },
    ],
  ]
  for (const [mode, { services, discovery, dials, refuses }] of expected) {
    it(`${mode} has what the mode needs and dials only its scope`, async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'heliport-options-'))
      const keys = await openKeysAt(join(dataDir, 'datastore'), await loadSecret({ dataDir }))
      const privateKey = privateKeyFromProtobuf((await keys.self()).toProtobuf())
      const options = libp2pOptions(
        { ...offline, mode },
        {
          privateKey,
          keychain: keys.keychain,
          scopes: scopesOf(mode),
        },
      )
      await keys.close()
      await rm(dataDir, { recursive: true })
      assert.deepEqual(
        Object.keys(options.services ?? {}).sort(),
        ['fetch', 'identify', 'ping', 'pubsub', ...services].sort(),
      )
      assert.equal(options.peerDiscovery?.length ?? 0, discovery)
      for (const address of dials)
        assert.equal(
          await options.connectionGater?.denyDialMultiaddr?.(multiaddr(address)),
          false,
          address,
        )
      for (const address of refuses)
        assert.equal(
          await options.connectionGater?.denyDialMultiaddr?.(multiaddr(address)),
          true,
          address,
        )
    })
  }
})

/** Waits until something holds; the test's own time limit ends it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => void setTimeout(resolve, 10))
}
