import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import packageJson from '../../package.json' with { type: 'json' }
import { libp2pOptions } from '../../src/ipfs/libp2p-options.ts'
import { ListedPeers } from '../../src/ipfs/listed-peers.ts'
import { silent } from '../../src/ipfs/logger.ts'
import { parsePeer } from '../../src/ipfs/peer-address.ts'
import { scopesOf } from '../../src/ipfs/scope.ts'
import { SwarmGuard } from '../../src/ipfs/swarm-guard.ts'
import { startInternet } from './internet.ts'
import { connect, offline, randomBlock, startNode } from './nodes.ts'
import { watchNetwork } from './watch.ts'
import type { Libp2p } from '@libp2p/interface'
import type { NetworkMode } from '../../src/ipfs/config.ts'
import type { Watch } from './watch.ts'

/** A loopback address that is in the scope of every mode but the public one. */
const KNOWN = '/ip4/127.0.0.1/tcp/1'
const PEER = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'

/** Outside of every scope but the public one. Those with an IP address are for documentation: nobody has them. */
const OUTSIDE = [
  '/ip4/203.0.113.1/tcp/4001',
  '/ip4/203.0.113.1/tcp/4001/ws',
  '/ip6/2001:db8::1/tcp/4001',
  '/dns4/heliport.invalid/tcp/4001',
  '/dns6/heliport.invalid/tcp/4001/tls/ws',
  '/dns/localhost/tcp/4001',
  '/dnsaddr/heliport.invalid',
  `/ip4/127.0.0.1/tcp/1/p2p/${PEER}/p2p-circuit`,
]

describe('the watch over the network', () => {
  it('sees calls by TCP, lookups of names and UDP', async () => {
    using watch = watchNetwork()
    const socket = connectTcp(1, '127.0.0.1')
    await once(socket, 'error')
    await lookup('localhost')
    createSocket('udp4').close()
    assert.deepEqual(watch.called, ['127.0.0.1'])
    assert.deepEqual(watch.other.toSorted(), ['GETADDRINFOREQWRAP', 'UDPWRAP'])
  })
})

describe('an offline node', () => {
  it('asks no DNS, opens no UDP and calls nobody but its peers on loopback', async () => {
    using watch = watchNetwork()
    const [node, other] = [await startNode(), await startNode()]
    assert.deepEqual(watch.called, [])
    await connect(node, other)
    const { cid, bytes } = await randomBlock()
    await other.blocks.put(cid, bytes)
    await node.fetchBlock(cid)
    await node.provide(cid)
    assert.deepEqual(await node.findProviders(cid), [])
    assert.equal(await node.dial(OUTSIDE.map((address) => `${address}/p2p/${PEER}`)), false)
    for (const address of node.addresses()) assert.match(address, /^\/ip4\/127\.0\.0\.1\//)
    await Promise.all([node.stop(), other.stop()])
    assert.deepEqual([[...new Set(watch.called)], watch.other], [['127.0.0.1'], []])
  })
})

for (const mode of ['offline', 'lan', 'private'] as const) {
  describe(`libp2p in the mode ${mode}`, () => {
    let libp2p: Libp2p
    let watch: Watch

    before(async () => {
      libp2p = await startLibp2p(mode)
      watch = watchNetwork()
    })
    after(async () => {
      watch[Symbol.dispose]()
      await libp2p.stop()
    })

    for (const address of OUTSIDE) {
      it(`does not call ${address}, not even to look it up`, async () => {
        await assert.rejects(libp2p.dial(multiaddr(`${address}/p2p/${PEER}`)))
        assert.deepEqual([watch.called, watch.other], [[], []])
      })

      it(`forgets that a peer says it is at ${address}`, async () => {
        const id = peerIdFromString(PEER)
        const known = multiaddr(KNOWN)
        await libp2p.peerStore.merge(id, { multiaddrs: [multiaddr(address), known] })
        const { addresses } = await libp2p.peerStore.get(id)
        assert.deepEqual(
          addresses.map((kept) => kept.multiaddr.toString()),
          [known.toString()],
        )
      })
    }
  })
}

/** The mode's own libp2p, on loopback and without the mDNS of `lan`: a test must not be heard outside. */
async function startLibp2p(mode: NetworkMode): Promise<Libp2p> {
  const node = await startNode()
  const { keychain } = node.keys
  await node.stop()
  const privateKey = await generateKeyPair('Ed25519')
  const config = { ...offline, mode, listen: ['/ip4/127.0.0.1/tcp/0'] }
  const guard = new SwarmGuard(randomBytes(32), silent)
  const listed = new ListedPeers([parsePeer(`${KNOWN}/p2p/${PEER}`)])
  const scopes = scopesOf(mode, listed.scope)
  const options = libp2pOptions(config, { privateKey, keychain, scopes, guard })
  return createLibp2p({ ...options, peerDiscovery: [] })
}

describe('what a node speaks', () => {
  const always = [
    '/floodsub/1.0.0',
    '/ipfs/id/1.0.0',
    '/ipfs/ping/1.0.0',
    '/libp2p/fetch/0.0.1',
    '/meshsub/1.0.0',
    '/meshsub/1.1.0',
    '/meshsub/1.2.0',
  ]
  const more: Array<[NetworkMode, string[]]> = [
    ['offline', []],
    ['lan', []],
    ['private', []],
    ['public', ['/libp2p/autonat/1.0.0', '/libp2p/circuit/relay/0.2.0/stop', '/libp2p/dcutr']],
  ]
  for (const [mode, protocols] of more) {
    it(`in the mode ${mode} is known`, async () => {
      const libp2p = await startLibp2p(mode)
      const spoken = libp2p.getProtocols()
      await libp2p.stop()
      assert.deepEqual(spoken.toSorted(), [...always, ...protocols].toSorted())
    })
  }

  it('has no part that would call strangers by itself', () => {
    const unwanted =
      /mplex|webrtc|webtransport|upnp|auto-tls|delegated|http-client|trustless|\/bootstrap|block-brokers/
    assert.deepEqual(
      Object.keys(packageJson.dependencies).filter((name) => unwanted.test(name)),
      [],
    )
  })
})

describe('a public node', () => {
  it('calls its entrances, asks no DNS and opens no UDP to be one', async () => {
    await using internet = await startInternet(2)
    using watch = watchNetwork()
    const config = { mode: 'public', listen: ['/ip4/127.0.0.1/tcp/0'] } as const
    const node = await startNode({ internet, config, redialPause: 20 })
    while (node.peers().length < internet.ids.length)
      await new Promise((resolve) => void setTimeout(resolve, 10))
    await node.stop()
    assert.deepEqual([[...new Set(watch.called)], watch.other], [['127.0.0.1'], []])
  })

  it('is not sent into its own network by strangers, but calls configured peers there', async () => {
    const [stranger, friend] = await Promise.all(
      ['Ed25519', 'Ed25519'].map(async (type) =>
        peerIdFromPrivateKey(await generateKeyPair(type as 'Ed25519')).toString(),
      ),
    )
    const address = '/ip4/192.168.1.1/tcp/4001/p2p/'
    const libp2p = libp2pOptions(
      { ...offline, mode: 'public', peers: [`${address}${friend}`] },
      {
        privateKey: await generateKeyPair('Ed25519'),
        keychain: (await keysOf()).keychain,
        scopes: scopesOf('public'),
      },
    )
    const denies = async (text: string) =>
      libp2p.connectionGater?.denyDialMultiaddr?.(multiaddr(text))
    assert.equal(await denies(`${address}${friend}`), false)
    assert.equal(await denies(`${address}${stranger}`), true)
    assert.equal(await denies(`${address}${stranger}/p2p-circuit/p2p/${friend}`), true)
    assert.equal(await denies(`/ip4/8.8.8.8/tcp/4001/p2p/${stranger}`), false)
  })
})

async function keysOf() {
  const node = await startNode()
  await node.stop()
  return node.keys
}
