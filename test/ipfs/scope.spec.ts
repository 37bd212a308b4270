import assert from 'node:assert/strict'
import { multiaddr } from '@multiformats/multiaddr'
import { announced, scopesOf } from '../../src/ipfs/scope.ts'

const PEER = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'

describe('the scopes', () => {
  /** What each mode dials: offline, lan, public. */
  const dials: Array<[string, boolean, boolean, boolean]> = [
    ['/ip4/127.0.0.1/tcp/1', true, true, false],
    ['/ip4/127.255.0.9/tcp/1', true, true, false],
    ['/ip6/::1/tcp/1', true, true, false],
    ['/ip6/::ffff:127.0.0.1/tcp/1', true, true, false],
    ['/ip4/10.1.2.3/tcp/1', false, true, false],
    ['/ip4/172.31.255.255/tcp/1/ws', false, true, false],
    ['/ip4/172.32.0.1/tcp/1', false, false, true],
    ['/ip4/100.64.0.1/tcp/1', false, true, false],
    ['/ip4/169.254.169.254/tcp/80', false, true, false],
    ['/ip6/fe80::1/tcp/1', false, true, false],
    ['/ip6zone/eth0/ip6/fe80::1/tcp/1', false, true, false],
    ['/ip6/fd00::1/tcp/1', false, true, false],
    ['/ip6/::ffff:192.168.0.1/tcp/1', false, true, false],
    ['/ip4/8.8.8.8/tcp/1', false, false, true],
    ['/ip6/2606:4700::1/tcp/1', false, false, true],
    ['/dns4/example.org/tcp/1', false, false, true],
    ['/dnsaddr/example.org', false, false, true],
    ['/dns4/example.org/tcp/1/ip4/127.0.0.1', false, false, true],
    ['/ip4/0.0.0.0/tcp/1', false, false, false],
    ['/ip4/0.1.2.3/tcp/1', false, false, false],
    ['/ip6/::/tcp/1', false, false, false],
    ['/ip4/224.0.0.251/tcp/1', false, false, false],
    ['/ip4/255.255.255.255/tcp/1', false, false, false],
    ['/ip4/203.0.113.7/tcp/1', false, false, false],
    ['/ip6/2001:db8::7/tcp/1', false, false, false],
    ['/unix/%2Fvar%2Frun%2Fdocker.sock', false, false, false],
    [`/p2p/${PEER}`, false, false, false],
    [`/ip4/127.0.0.1/tcp/1/p2p/${PEER}/p2p-circuit`, false, false, false],
    [`/ip4/10.0.0.1/tcp/1/p2p/${PEER}/p2p-circuit`, false, false, false],
    [`/ip4/8.8.8.8/tcp/1/p2p/${PEER}/p2p-circuit`, false, false, true],
  ]
  for (const [text, ...expected] of dials) {
    it(`of ${text}`, () => {
      const address = multiaddr(text)
      const modes = ['offline', 'lan', 'public'] as const
      assert.deepEqual(
        modes.map((mode) => scopesOf(mode).dials(address)),
        expected,
      )
    })
  }

  it('let the whole world in only where the world is meant', () => {
    const stranger = multiaddr('/ip4/8.8.8.8/tcp/1')
    const modes = ['offline', 'lan', 'public'] as const
    assert.deepEqual(
      modes.map((mode) => scopesOf(mode).admits(stranger)),
      [false, false, true],
    )
  })

  it('tell others at most eight addresses, with the peer id, loopback last', () => {
    const hosts = ['127.0.0.1', '8.8.8.8', ...Array.from({ length: 10 }, (_, i) => `10.0.0.${i}`)]
    const own = hosts.map((host) => multiaddr(`/ip4/${host}/tcp/4001/p2p/${PEER}`))
    const without = multiaddr('/ip4/10.9.9.9/tcp/4001')
    const { tells } = scopesOf('lan')
    assert.deepEqual(
      announced(tells, [without, ...own]),
      hosts.slice(2, 10).map((host) => `/ip4/${host}/tcp/4001/p2p/${PEER}`),
    )
    assert.equal(announced(tells, own.slice(0, 3)).at(-1), own[0]?.toString())
    assert.deepEqual(announced(scopesOf('public').tells, own), [own[1]?.toString()])
    assert.deepEqual(announced(scopesOf('offline').tells, own), [own[0]?.toString()])
  })
})
