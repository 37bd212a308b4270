import assert from 'node:assert/strict'
import { peerIdFromString } from '@libp2p/peer-id'
import { PeerDialer } from '../../src/ipfs/peer-dialer.ts'
import { scopesOf } from '../../src/ipfs/scope.ts'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const US = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'
const PEER = '12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq'
const AT = `/ip4/8.8.8.8/tcp/1/p2p/${PEER}`

/** The part of libp2p that calls, in the hands of the test. */
class FakeLibp2p extends EventTarget {
  readonly peerId = peerIdFromString(US)
  readonly dialled: string[][] = []
  connections: Partial<Connection>[] = []
  answers: Partial<Connection> | undefined

  getConnections(): Partial<Connection>[] {
    return this.connections
  }
  dial(addresses: Multiaddr[]): Promise<Partial<Connection>> {
    this.dialled.push(addresses.map(String))
    return this.answers === undefined
      ? Promise.reject(new Error('no'))
      : Promise.resolve(this.answers)
  }
  open(connection: Partial<Connection>): void {
    this.connections.push(connection)
    this.dispatchEvent(new Event('connection:open'))
  }
}

const remotePeer = peerIdFromString(PEER)
const direct: Partial<Connection> = { remotePeer }
const limited: Partial<Connection> = { remotePeer, limits: { bytes: 131_072n, seconds: 120 } }

describe('calling a peer that somebody named', () => {
  let libp2p: FakeLibp2p
  let dialer: PeerDialer

  beforeEach(() => {
    libp2p = new FakeLibp2p()
    dialer = new PeerDialer(libp2p as unknown as Libp2p, scopesOf('public').dials, 50)
  })
  const dial = (...addresses: string[]) => dialer.dial(addresses, undefined)

  it('leads to a connection or not', async () => {
    assert.equal(await dial(AT), false)
    libp2p.answers = direct
    assert.equal(await dial(AT), true)
    assert.deepEqual(libp2p.dialled, [[AT], [AT]])
  })

  it('is not done when it is us, out of scope, nonsense, or connected already', async () => {
    libp2p.answers = direct
    const useless = [`/ip4/8.8.8.8/tcp/1/p2p/${US}`, `/ip4/10.0.0.1/tcp/1/p2p/${PEER}`, 'junk']
    assert.equal(await dial(...useless, '/ip4/8.8.8.8/tcp/1'), false)
    libp2p.connections = [direct]
    assert.equal(await dial(AT), true)
    assert.deepEqual(libp2p.dialled, [])
  })

  it('takes eight addresses into account', async () => {
    await dial(...Array.from({ length: 20 }, (_, i) => AT.replace('tcp/1', `tcp/${i + 1}`)))
    assert.equal(libp2p.dialled[0]?.length, 8)
  })

  it('waits for a direct connection where a relay has limits', async () => {
    libp2p.answers = limited
    const dialled = dial(AT)
    await new Promise((resolve) => void setImmediate(resolve))
    libp2p.open(limited)
    libp2p.open(direct)
    assert.equal(await dialled, true)
  })

  it('gives up when none comes', async () => {
    libp2p.answers = limited
    libp2p.connections = [limited]
    assert.equal(await dial(AT), false)
    assert.deepEqual(libp2p.dialled, [[AT]])
  })

  it('throws only when the caller has lost patience', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await assert.rejects(dialer.dial([AT], signal), /enough/)
  })
})
